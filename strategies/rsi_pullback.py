"""RSI pullback: in a rising market, buy a fall of a few days.

Larry Connors and Cesar Alvarez (Short Term Trading Strategies That Work, 2009): Wilder's index over two bars
below 10, with the close above its average of 200 bars; out when the close is above its average of 5. Unlike
plain RSI reversion it never buys in a falling market.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter


class RSIPullback(BaseStrategy):
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

    def __init__(self) -> None:
        super().__init__()
        # safediv: without it a stretch of closes that never fall divides by zero.
        self.rsi = {
            data: bt.indicators.RSI(data, period=self.p.rsi_period, safediv=True) for data in self.datas
        }
        self.trend = {data: bt.indicators.SMA(data, period=self.p.trend_period) for data in self.datas}
        self.exit = {data: bt.indicators.SMA(data, period=self.p.exit_period) for data in self.datas}

    def on_bar(self, data: Any) -> None:
        if self.has_pending_order(data):
            return
        close = data.close[0]
        if self.getposition(data).size:
            if close > self.exit[data][0]:
                self.close(data)
        elif close > self.trend[data][0] and self.rsi[data][0] < self.p.entry_threshold:
            size = self.calculate_position_size(close)
            if size:
                self.buy(data, size=size)
