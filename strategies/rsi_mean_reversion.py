"""RSI mean reversion: buy what has fallen fast, sell it when it has recovered.

The relative strength index is J. Welles Wilder's (New Concepts in Technical Trading Systems, 1978): average
gain over average loss of the last closes, smoothed with weight 1/period, mapped to 0..100. Wilder reads
values below 30 as oversold. This strategy buys at the next open after such a close and sells at the next open
after the index has closed above `exit_threshold`.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.parameters import Parameter
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator


class RSIMeanReversion(SignalStrategy):
    """Long while oversold; flat otherwise. One position a symbol."""

    code = "STR-001"
    title = "RSI mean reversion"
    hypothesis = (
        "A liquid share that fell fast within days is more often over-sold than wrongly priced, and recovers."
    )
    tags = ("mean reversion", "long only", "daily")
    parameters = (
        Parameter("rsi_period", int, 14, 2, 200, "Bars of Wilder's smoothing."),
        Parameter("entry_threshold", float, 30.0, 0.0, 100.0, "Buy when the index closes below this."),
        Parameter("exit_threshold", float, 55.0, 0.0, 100.0, "Sell when the index closes above this."),
    )

    @indicator
    def rsi(self, data: Any) -> Any:
        # safediv: without it a stretch of closes that never fall divides by zero.
        return bt.indicators.RSI(data, period=self.p.rsi_period, safediv=True)

    def signals(self, bars: Bars) -> Signals:
        return Signals(
            enter_long=bars.rsi < self.p.entry_threshold, exit_long=bars.rsi > self.p.exit_threshold
        )
