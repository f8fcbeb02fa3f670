"""MACD trend: be long while the MACD is above its signal line.

Gerald Appel's moving average convergence/divergence (1979; Technical Analysis: Power Tools for Active
Investors, 2005): the difference of two exponential averages, and an exponential average of that difference as
the signal. Appel takes a signal in the direction of the longer trend only, hence `trend_period`.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.parameters import Parameter
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator


class MACDTrend(SignalStrategy):
    """Buys when the MACD crosses above its signal in a rising market, sells when it crosses below."""

    code = "STR-006"
    title = "MACD trend"
    hypothesis = "When a rise gains speed, buyers who wait for confirmation are still to come."
    tags = ("trend", "long only", "daily")
    parameters = (
        Parameter("fast", int, 12, 1, 200, "Bars of the fast average; a search wants fast < slow."),
        Parameter("slow", int, 26, 2, 400, "Bars of the slow average."),
        Parameter("signal", int, 9, 1, 200, "Bars of the signal's average."),
        Parameter("trend_period", int, 0, 0, 400,
                  "Buy only above the simple average of so many bars; 0 asks for no trend."),
    )  # fmt: skip

    @indicator
    def crossed(self, data: Any) -> Any:
        macd = bt.indicators.MACD(
            data, period_me1=self.p.fast, period_me2=self.p.slow, period_signal=self.p.signal
        )
        return bt.indicators.CrossOver(macd.macd, macd.signal)

    @indicator
    def trend(self, data: Any) -> Any:
        return bt.indicators.SMA(data, period=self.p.trend_period) if self.p.trend_period else data.close

    def signals(self, bars: Bars) -> Signals:
        rises = bars.crossed > 0
        return Signals(
            enter_long=rises & (bars.close > bars.trend) if self.p.trend_period else rises,
            exit_long=bars.crossed < 0,
        )
