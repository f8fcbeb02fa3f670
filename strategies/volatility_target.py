"""Volatility target: hold more when the market is calm, less when it is not.

Alan Moreira and Tyler Muir (Volatility-Managed Portfolios, Journal of Finance 72, 2017) find that scaling a
market position by its recent variance raises its Sharpe ratio, since returns do not rise with volatility;
Harvey and others (The Impact of Volatility Targeting, Journal of Portfolio Management 45, 2018) use the
deviation, as is done here. No borrowing: where the target asks for more than everything, it gets that.
"""

from __future__ import annotations

import math

from strategies import run_context
from strategies.aligned_closes import AlignedCloses
from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter
from strategies.rebalancing import Rebalancing


class VolatilityTarget(Rebalancing, BaseStrategy):
    """Always long every symbol, each scaled to an even share of the target."""

    code = "STR-010"
    title = "Volatility target"
    hypothesis = "Volatility comes in clusters and is not paid for, so that calm times are the better bet."
    tags = ("risk", "several symbols", "long only", "daily")
    parameters = (
        Parameter("target", float, 0.12, 0.01, 1.0, "Yearly standard deviation aimed at, a fraction."),
        Parameter("lookback", int, 21, 3, 500, "Sessions of the measured deviation."),
        Parameter("tolerance", float, 0.10, 0.0, 1.0,
                  "Trade a symbol only when it is off by more than this share of the portfolio."),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        # One set of closes a symbol: its volatility needs no session of another.
        self.closes = {data: AlignedCloses([data], self.p.lookback + 1) for data in self.datas}

    def prenext(self) -> None:
        self.observe()

    def observe(self) -> None:
        for closes in self.closes.values():
            closes.observe()

    def next(self) -> None:
        self.observe()
        if not all(closes.is_full for closes in self.closes.values()):
            return
        share = self.p.position_share / len(self.datas)
        weights = {}
        for data in self.datas:
            volatility = self.closes[data].volatility(data) * math.sqrt(run_context.current().sessions_a_year)
            weights[data] = share * min(1.0, self.p.target / volatility) if volatility > 0 else share
        self.rebalance(weights, self.p.tolerance)
