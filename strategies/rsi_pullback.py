"""RSI pullback: in a rising market, buy a fall of a few days.

Larry Connors and Cesar Alvarez (Short Term Trading Strategies That Work, 2009): Wilder's index over two bars
below 10, with the close above its average of 200 bars; out when the close is above its average of 5. Unlike
plain RSI reversion it never buys in a falling market.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.parameters import Parameter
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator


class RSIPullback(SignalStrategy):
    """Long after a sharp fall above the long average, until the close is back above the short one."""

    code = "STR-015"
    title = "RSI pullback"
    hypothesis = "In a rising market a fall of a few days is somebody's need for cash, and is bought back."
    tags = ("mean reversion", "trend", "long only", "daily")
    parameters = (
        Parameter("rsi_period", int, 2, 2, 50, "Bars of Wilder's smoothing."),
        Parameter("entry_threshold", float, 10.0, 0.0, 100.0, "Buy when the index closes below this."),
        Parameter("trend_period", int, 200, 2, 500, "Bars of the average that the close must be above."),
        Parameter("exit_period", int, 5, 1, 100, "Sell when the close is above the average of so many bars."),
    )

    @indicator
    def rsi(self, data: Any) -> Any:
        # safediv: without it a stretch of closes that never fall divides by zero.
        return bt.indicators.RSI(data, period=self.p.rsi_period, safediv=True)

    @indicator
    def trend(self, data: Any) -> Any:
        return bt.indicators.SMA(data, period=self.p.trend_period)

    @indicator
    def recovered(self, data: Any) -> Any:
        return bt.indicators.SMA(data, period=self.p.exit_period)

    def signals(self, bars: Bars) -> Signals:
        return Signals(
            enter_long=(bars.close > bars.trend) & (bars.rsi < self.p.entry_threshold),
            exit_long=bars.close > bars.recovered,
        )
