"""Bars before a run's window: indicators see them, the strategy does not act on them."""

from __future__ import annotations

import backtrader as bt


class WarmUp(bt.Indicator):  # type: ignore[misc]
    """Computes nothing; as an indicator that needs so many bars it keeps Backtrader in prenext().

    It stands on the first symbol, so that trading begins with that symbol's first bar in the window.
    """

    lines = ("nothing",)
    params = (("bars", 0),)

    def __init__(self) -> None:
        self.addminperiod(self.p.bars + 1)
        super().__init__()
