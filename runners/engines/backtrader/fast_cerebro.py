"""Cerebro with a faster loop, for runs that it covers; any other goes through Backtrader's own."""

from __future__ import annotations

from typing import Any

import backtrader as bt
from backtrader.lineiterator import LineIterator

from runners.engines.backtrader.data_set import DataSet
from runners.engines.backtrader.fast_broker import FastBroker
from runners.engines.backtrader.fast_feed import SharedFeed
from runners.engines.backtrader.fast_indicators import compute
from runners.engines.backtrader.fast_loop import FastLoop
from runners.engines.backtrader.fast_results import ResultCache
from runners.engines.backtrader.late_feeds import KnownFeeds
from runners.engines.backtrader.recorder import Recorder

BACKTRADER = "1.9.78.123"
"""The version whose loop and broker these modules follow, statement by statement."""

LOOP_METHODS = (
    "_addnotification", "_clk_update", "_getminperstatus", "_next_analyzers", "_next_observers", "_notify",
    "_once", "_oncepost", "_oncepost_open", "clear", "forward", "home", "once", "oncestart", "preonce",
    "reset",
)  # fmt: skip
"""Methods of a strategy that Backtrader's loop calls and that the fast loop stands in for."""


class FastCerebro(KnownFeeds):
    """After run(), `loop` says which loop ran and `why_stock` why it was not the fast one."""

    def over(self, data_set: DataSet, cache: ResultCache) -> FastCerebro:
        """Run over shared prices, with indicator results shared through `cache`."""
        self.loop = "stock"
        self.why_stock = ""
        self._data_set = data_set
        self._cache = cache
        self.broker = FastBroker()
        return self

    def _runonce(self, runstrats: list[Any]) -> None:
        self.why_stock = self._why_not(runstrats)
        if self.why_stock:
            super()._runonce(runstrats)
            return
        self.loop = "fast"
        strategy = runstrats[0]
        compute(strategy, self._cache)
        recorders = [one for one in strategy.analyzers if type(one) is Recorder]
        FastLoop(self, strategy, self._data_set.timeline, recorders[0] if recorders else None).run()

    def _runnext(self, runstrats: list[Any]) -> None:
        self.why_stock = "bars are computed one by one (an indicator, a setting or a feed asks for it)"
        self._part_feeds()
        super()._runnext(runstrats)

    def _runnext_old(self, runstrats: list[Any]) -> None:
        self.why_stock = "oldsync"
        self._part_feeds()
        super()._runnext_old(runstrats)

    def _runonce_old(self, runstrats: list[Any]) -> None:
        self.why_stock = "oldsync"
        super()._runonce_old(runstrats)

    def _part_feeds(self) -> None:
        for data in self.datas:
            if isinstance(data, SharedFeed) and data.preloaded:
                data.part()

    def _why_not(self, strategies: list[Any]) -> str:
        """Why the fast loop does not cover this run, in words; empty where it does."""
        if bt.__version__ != BACKTRADER:
            return f"Backtrader {bt.__version__}; the fast loop follows {BACKTRADER}"
        if len(strategies) != 1:
            return f"{len(strategies)} strategies"
        (strategy,) = strategies
        broker = self.broker
        if type(broker) is not FastBroker:
            return f"the broker is a {type(broker).__name__}"
        if broker._userhist or broker._fundhist:
            return "a history of orders or funds is replayed"
        if self.runwriters or self.p.quicknotify:
            return "writers" if self.runwriters else "quicknotify"
        if strategy._lineiterators[LineIterator.ObsType]:
            return "observers"
        if len(self.datas) != len(self._data_set.prices) or any(
            type(data) is not SharedFeed or not data.preloaded for data in self.datas
        ):
            return "a feed was filtered, resampled, replayed or added"
        for name in LOOP_METHODS:
            if getattr(type(strategy), name) is not getattr(bt.Strategy, name) or name in vars(strategy):
                return f"the strategy has a {name}() of its own"
        return ""
