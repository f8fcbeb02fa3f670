"""Tactical allocation: hold each symbol while it is above its long average, else cash in its place.

Mebane Faber (A Quantitative Approach to Tactical Asset Allocation, Journal of Wealth Management 9, 2007):
once a month, for each of a few asset classes by itself, in above the ten-month average and out below. He
claims a smaller drawdown at about the same return, not a higher return.
"""

from __future__ import annotations

import backtrader as bt

from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter
from strategies.rebalancing import Rebalancing


class TacticalAllocation(Rebalancing, BaseStrategy):
    """An equal slot a symbol, filled or empty, decided on the first bar of each month."""

    code = "STR-014"
    title = "Tactical allocation"
    hypothesis = "Long falls are made of many months: leaving after the first avoids most of them."
    tags = ("trend", "several symbols", "monthly", "long only", "daily")
    parameters = (
        Parameter("period", int, 200, 2, 1_000, "Bars of the simple average; ten months are about 200."),
        Parameter("tolerance", float, 0.02, 0.0, 1.0,
                  "A slot that is off by less than this share of the portfolio is left alone."),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.average = {data: bt.indicators.SMA(data, period=self.p.period) for data in self.datas}

    def next(self) -> None:
        if not self.is_new_month():
            return
        share = self.p.position_share / len(self.datas)
        above = [data for data in self.datas if data.close[0] > self.average[data][0]]
        self.rebalance(dict.fromkeys(above, share), self.p.tolerance)
