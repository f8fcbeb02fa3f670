"""MACD trend: be long while the MACD is above its signal line.

Gerald Appel's moving average convergence/divergence (1979; Technical Analysis: Power Tools for Active
Investors, 2005): the difference of two exponential averages, and an exponential average of that difference as
the signal. Appel takes a signal in the direction of the longer trend only, hence `trend_period`.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter


class MACDTrend(BaseStrategy):
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

    def __init__(self) -> None:
        super().__init__()
        self.crossed: dict[Any, Any] = {}
        self.trend: dict[Any, Any] = {}
        for data in self.datas:
            macd = bt.indicators.MACD(
                data, period_me1=self.p.fast, period_me2=self.p.slow, period_signal=self.p.signal
            )
            self.crossed[data] = bt.indicators.CrossOver(macd.macd, macd.signal)
            if self.p.trend_period:
                self.trend[data] = bt.indicators.SMA(data, period=self.p.trend_period)

    def on_bar(self, data: Any) -> None:
        if self.has_pending_order(data):
            return
        crossed = self.crossed[data][0]
        if self.getposition(data).size:
            if crossed < 0:
                self.close(data)
        elif crossed > 0 and (data not in self.trend or data.close[0] > self.trend[data][0]):
            size = self.calculate_position_size(data.close[0])
            if size:
                self.buy(data, size=size)
