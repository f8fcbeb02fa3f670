"""Dual momentum: each month hold what rose most, and only what rose.

Gary Antonacci (Dual Momentum Investing, 2014) joins relative momentum, the strongest of several markets over
twelve months (Jegadeesh and Titman, Journal of Finance 48, 1993), with absolute momentum: when even the
strongest fell, hold cash. His markets are asset classes; what they are here, the config says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import backtrader as bt

from strategies.parameters import Parameter
from strategies.signal_functions import new_month
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Weights, indicator


class DualMomentum(SignalStrategy):
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

    window = 2

    @indicator
    def momentum(self, data: Any) -> Any:
        return bt.indicators.RateOfChange(data.close, period=self.p.lookback)

    def weights(self, bars: Sequence[Bars]) -> Weights:
        when = new_month(bars[0].time)
        shares = [bar.close * 0.0 for bar in bars]
        for step in when.nonzero()[0]:
            strength = [float(bar.momentum[step]) for bar in bars]
            risen = [place for place, one in enumerate(strength) if one > self.p.least_return]
            risen.sort(key=strength.__getitem__, reverse=True)
            for place in risen[: self.p.holdings]:
                shares[place][step] = self.p.position_share / self.p.holdings
        return Weights(when, shares)
