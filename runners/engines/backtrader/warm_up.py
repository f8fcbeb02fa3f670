"""Bars before a run's window: indicators see them, the strategy does not act on them."""

from __future__ import annotations

import calendar
import datetime as dt

import backtrader as bt

from runners.engines.base import AdjustedPrices


class WarmUp(bt.Indicator):  # type: ignore[misc]
    """Computes nothing; as an indicator that needs so many bars it keeps Backtrader in prenext().

    It stands on the first symbol, so that trading begins with that symbol's first bar in the window.
    """

    lines = ("nothing",)
    params = (("bars", 0),)

    def __init__(self) -> None:
        self.addminperiod(self.p.bars + 1)
        super().__init__()


def bars_before(series: AdjustedPrices, start: dt.date) -> int:
    """How many bars end before the window does begin."""
    first = calendar.timegm(start.timetuple())
    return sum(1 for epoch in series.epochs if epoch < first)
