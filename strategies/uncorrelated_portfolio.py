"""Uncorrelated portfolio: hold calm symbols that do not move together, each at the same risk.

That only what is not correlated diversifies is Harry Markowitz's (Portfolio Selection, Journal of Finance 7,
1952). Choosing greedily under a limit on correlation and weighting by the inverse of volatility are the usual
short cuts around estimating a whole covariance matrix (Choueifaty and Coignard, Toward Maximum
Diversification, Journal of Portfolio Management 35, 2008). Calm ones first: Haugen and Baker (Journal of
Portfolio Management 17, 1991).
"""

from __future__ import annotations

from typing import Any

from strategies.aligned_closes import AlignedCloses
from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter
from strategies.rebalancing import Rebalancing


class UncorrelatedPortfolio(Rebalancing, BaseStrategy):
    """Each month takes symbols from the calmest on, leaving out what follows one already taken."""

    code = "STR-013"
    title = "Uncorrelated portfolio"
    hypothesis = "Risk that is spread over things that move apart is smaller for the same return."
    tags = ("portfolio", "several symbols", "monthly", "long only", "daily")
    parameters = (
        Parameter("lookback", int, 120, 5, 1_000, "Common sessions of volatility and correlation."),
        Parameter("largest_correlation", float, 0.8, -1.0, 1.0,
                  "A symbol is left out when its correlation with one already taken is above this."),
        Parameter("most_symbols", int, 10, 1, 100, "How many symbols are held at most."),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.closes = AlignedCloses(self.datas, self.p.lookback + 1)

    def prenext(self) -> None:
        self.closes.observe()

    def next(self) -> None:
        self.closes.observe()
        if not self.is_new_month() or not self.closes.is_full:
            return
        volatility = {data: self.closes.volatility(data) for data in self.datas}
        chosen = self.chosen(volatility)
        total = sum(1 / volatility[data] for data in chosen)
        self.rebalance({data: self.p.position_share / volatility[data] / total for data in chosen})

    def chosen(self, volatility: dict[Any, float]) -> list[Any]:
        taken: list[Any] = []
        for data in sorted(self.datas, key=lambda one: volatility[one]):
            # A price that never moves is no price.
            if volatility[data] <= 0 or len(taken) == self.p.most_symbols:
                continue
            if all(self.closes.correlation(data, other) <= self.p.largest_correlation for other in taken):
                taken.append(data)
        return taken
