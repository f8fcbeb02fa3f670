"""Volatility target: hold more when the market is calm, less when it is not.

Alan Moreira and Tyler Muir (Volatility-Managed Portfolios, Journal of Finance 72, 2017) find that scaling a
market position by its recent variance raises its Sharpe ratio, since returns do not rise with volatility;
Harvey and others (The Impact of Volatility Targeting, Journal of Portfolio Management 45, 2018) use the
deviation, as is done here. No borrowing: where the target asks for more than everything, it gets that.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import backtrader as bt

from strategies import run_context
from strategies.parameters import Parameter
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Weights, indicator


class DeviationOfReturns(bt.Indicator):  # type: ignore[misc]
    """Sample deviation of the last `period` log returns, per bar."""

    lines: Any = ("deviation",)
    params = (("period", 21),)

    def __init__(self) -> None:
        self.addminperiod(self.p.period + 1)

    def next(self) -> None:
        closes = self.data.close.get(size=self.p.period + 1)
        returns = [math.log(after / before) for before, after in pairwise(closes)]
        self.lines.deviation[0] = statistics.stdev(returns)


class VolatilityTarget(SignalStrategy):
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

    @indicator
    def deviation(self, data: Any) -> Any:
        # Of its own bars: a symbol's volatility needs no session of another.
        return DeviationOfReturns(data, period=self.p.lookback)  # type: ignore[call-arg]

    def weights(self, bars: Sequence[Bars]) -> Weights:
        import numpy as np

        share = self.p.position_share / len(bars)
        year = math.sqrt(run_context.current().sessions_a_year)
        shares = []
        with np.errstate(divide="ignore", invalid="ignore"):
            for bar in bars:
                volatility = bar.deviation * year
                scaled = share * np.minimum(1.0, self.p.target / volatility)
                shares.append(np.where(volatility > 0, scaled, share))
        return Weights(np.ones(len(bars[0]), bool), shares, self.p.tolerance)
