"""Tactical allocation: hold each symbol while it is above its long average, else cash in its place.

Mebane Faber (A Quantitative Approach to Tactical Asset Allocation, Journal of Wealth Management 9, 2007):
once a month, for each of a few asset classes by itself, in above the ten-month average and out below. He
claims a smaller drawdown at about the same return, not a higher return.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import backtrader as bt

from strategies.parameters import Parameter
from strategies.signal_functions import new_month
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Weights, indicator


class TacticalAllocation(SignalStrategy):
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

    window = 2

    @indicator
    def average(self, data: Any) -> Any:
        return bt.indicators.SMA(data, period=self.p.period)

    def weights(self, bars: Sequence[Bars]) -> Weights:
        share = self.p.position_share / len(bars)
        above = [(bar.close > bar.average) * share for bar in bars]
        return Weights(new_month(bars[0].time), above, self.p.tolerance)
