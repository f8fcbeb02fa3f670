"""Dual momentum: each month hold what rose most, and only what rose.

Gary Antonacci (Dual Momentum Investing, 2014) joins relative momentum, the strongest of several markets over
twelve months (Jegadeesh and Titman, Journal of Finance 48, 1993), with absolute momentum: when even the
strongest fell, hold cash. His markets are asset classes; what they are here, the config says.
"""

from __future__ import annotations

import backtrader as bt

from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter
from strategies.rebalancing import Rebalancing


class DualMomentum(Rebalancing, BaseStrategy):
    """Holds the `holdings` strongest symbols with a return above `least_return`, in equal shares."""

    code = "STR-008"
    title = "Dual momentum"
    hypothesis = "What led for a year goes on leading for a while, and what fell for a year goes on falling."
    tags = ("momentum", "several symbols", "monthly", "long only", "daily")
    parameters = (
        Parameter("lookback", int, 252, 1, 1_000, "Bars over which the return is measured."),
        Parameter("holdings", int, 1, 1, 50, "How many symbols are held at most."),
        Parameter("least_return", float, 0.0, -1.0, 10.0,
                  "Return over these bars, a fraction, that a symbol must exceed."),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.momentum = {
            data: bt.indicators.RateOfChange(data.close, period=self.p.lookback) for data in self.datas
        }

    def next(self) -> None:
        if not self.is_new_month():
            return
        risen = [data for data in self.datas if self.momentum[data][0] > self.p.least_return]
        risen.sort(key=lambda data: self.momentum[data][0], reverse=True)
        share = self.p.position_share / self.p.holdings
        self.rebalance(dict.fromkeys(risen[: self.p.holdings], share))
