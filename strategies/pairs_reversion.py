"""Pairs reversion: when two like prices part, sell the dear one and buy the cheap one.

Evan Gatev, William Goetzmann and Geert Rouwenhorst (Pairs Trading: Performance of a Relative-Value Arbitrage
Rule, Review of Financial Studies 19, 2006). Their pairs are chosen by the distance of normalised prices; here
the config names the pair, and the distance is that of the log price ratio from its own mean, in its own
standard deviations. Borrowing costs for the short leg are not charged.
"""

from __future__ import annotations

import math
import statistics

from strategies.aligned_closes import AlignedCloses
from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter, ParameterError
from strategies.shares import whole


class PairsReversion(BaseStrategy):
    """Equal money long and short in two symbols while their ratio is far from its mean."""

    code = "STR-009"
    title = "Pairs reversion"
    hypothesis = "Two prices that follow the same business part by chance and come together again."
    tags = ("mean reversion", "several symbols", "market neutral", "daily")
    parameters = (
        Parameter("lookback", int, 60, 3, 1_000, "Common sessions of the ratio's mean and deviation."),
        Parameter("entry_z", float, 2.0, 0.1, 10.0, "Deviations from the mean at which the pair is opened."),
        Parameter("exit_z", float, 0.5, 0.0, 10.0, "Deviations below which it is closed."),
        Parameter("stop_z", float, 4.0, 0.2, 20.0,
                  "Deviations above which it is given up, until the ratio has been back below exit_z."),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        if len(self.datas) != 2:
            raise ParameterError(f"pairs_reversion trades two symbols, and was given {len(self.datas)}")
        self.closes = AlignedCloses(self.datas, self.p.lookback)
        self.given_up = False

    def prenext(self) -> None:
        self.closes.observe()

    def next(self) -> None:
        if not self.closes.observe() or not self.closes.is_full or any(self.pending_orders()):
            return
        z = self.z_score()
        if abs(z) < self.p.exit_z:
            self.given_up = False
        held = self.getposition(self.datas[0]).size
        if held:
            # Long the first symbol is a bet that the ratio rises.
            if (held > 0 and z > -self.p.exit_z) or (held < 0 and z < self.p.exit_z):
                self.close_both()
            elif abs(z) > self.p.stop_z:
                self.given_up = True
                self.close_both()
        elif self.p.entry_z < abs(z) < self.p.stop_z and not self.given_up:
            self.open_both(1 if z < 0 else -1)

    def z_score(self) -> float:
        """Newest log ratio's distance from the mean of the lookback, in population deviations."""
        first, second = (self.closes.closes(data) for data in self.datas)
        ratios = [math.log(a / b) for a, b in zip(first, second, strict=True)]
        deviation = statistics.pstdev(ratios)
        return (ratios[-1] - statistics.fmean(ratios)) / deviation if deviation > 0 else 0.0

    def open_both(self, direction: int) -> None:
        money = self.broker.getvalue() * self.p.position_share / 2
        sizes = [whole(money / data.close[0], data) for data in self.datas]
        if not all(sizes):
            return
        for data, size, sign in zip(self.datas, sizes, (direction, -direction), strict=True):
            (self.buy if sign > 0 else self.sell)(data, size=size)

    def close_both(self) -> None:
        for data in self.datas:
            self.close(data)
