"""Feeds that a strategy adds or changes while it is made: Backtrader takes the call and never shows them."""

from __future__ import annotations

from typing import Any

import backtrader as bt

REMEDY = (
    "write resample: [1w] in the config, which gives longer bars as further feeds (self.longer('1w')), "
    "or call self.consolidate() of BaseStrategy"
)


class LateFeedError(Exception):
    """A strategy asked for a feed when all of them were loaded."""


def refuse(call: str) -> None:
    raise LateFeedError(
        f"{call} in a strategy comes too late: its feeds are loaded, it would never see it; {REMEDY}"
    )


class KnownFeeds(bt.Cerebro):  # type: ignore[misc]
    """Cerebro whose feeds are those that it had when it was run."""

    _runs = False

    def runstrategies(self, *args: Any, **kwargs: Any) -> Any:
        self._runs = True
        try:
            return super().runstrategies(*args, **kwargs)
        finally:
            self._runs = False

    def adddata(self, *args: Any, **kwargs: Any) -> Any:
        if self._runs:
            refuse("cerebro.adddata()")
        return super().adddata(*args, **kwargs)

    def resampledata(self, *args: Any, **kwargs: Any) -> Any:
        if self._runs:
            refuse("cerebro.resampledata()")
        return super().resampledata(*args, **kwargs)

    def replaydata(self, *args: Any, **kwargs: Any) -> Any:
        if self._runs:
            refuse("cerebro.replaydata()")
        return super().replaydata(*args, **kwargs)
