"""SMA with end of day: two moving averages on bars within the day, and never a position over night.

The rule of two averages is that of sma_crossover (Brock, Lakonishok and LeBaron, Journal of Finance 47,
1992); that the day's own trend carries from its first to its last half hour is Gao, Han, Li and Zhou's
(Market Intraday Momentum, Journal of Financial Economics 129, 2018). EODStrategy closes what is open before
the session ends and lets no entry through shortly before.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.eod_strategy import EODStrategy
from strategies.parameters import Parameter


class SMAEODExample(EODStrategy):
    """Long while the fast average is above the slow one, within the day."""

    code = "STR-005"
    title = "SMA with end of day"
    hypothesis = "A trend within the day goes on until the close, when those who must trade have traded."
    tags = ("trend", "intraday", "long only")
    parameters = (
        Parameter("fast", int, 6, 1, 200, "Bars of the fast average; a search wants fast < slow."),
        Parameter("slow", int, 24, 2, 400, "Bars of the slow average."),
    )

    def __init__(self) -> None:
        super().__init__()
        self.crossover = {
            data: bt.indicators.CrossOver(
                bt.indicators.SMA(data, period=self.p.fast), bt.indicators.SMA(data, period=self.p.slow)
            )
            for data in self.datas
        }

    def on_bar(self, data: Any) -> None:
        if self.has_pending_order(data):
            return
        crossed = self.crossover[data][0]
        if self.getposition(data).size:
            if crossed < 0:
                self.close(data)
        elif crossed > 0 and self.should_trade():
            size = self.calculate_position_size(data.close[0], data=data)
            if size:
                self.buy(data, size=size)
