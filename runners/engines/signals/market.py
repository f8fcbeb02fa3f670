"""A run's prices, sessions and costs as the arrays that the kernel reads, made once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from runners.engines.backtrader.data_set import DataSet
from runners.engines.base import AdjustedPrices, RunSettings
from strategies.contracts import SHARE


class Market:
    """Arrays over the steps of the run's clock; where a feed has no bar at a step, those of its newest."""

    def __init__(self, settings: RunSettings, prices: Sequence[AdjustedPrices]) -> None:
        self.settings = settings
        self.data_set = DataSet(settings, prices)
        timeline = self.data_set.timeline
        steps, feeds = len(timeline), len(prices)
        self.bar = np.empty((feeds, steps), np.int64)
        """Number of each feed's newest bar at each step, from 0; -1 before the first."""
        if timeline.moves is None:
            self.bar[:] = np.arange(steps)
        else:
            moved = np.zeros((feeds, steps), np.int64)
            for step, these in enumerate(timeline.moves):
                moved[list(these), step] = 1
            self.bar = np.cumsum(moved, axis=1) - 1
        every = np.arange(steps)
        new = np.diff(self.bar, axis=1, prepend=-1) > 0
        self.newest = np.maximum.accumulate(np.where(new, every, -1), axis=1)
        columns = ("open", "high", "low", "close")
        self.prices = np.empty((len(columns), feeds, steps))
        for feed, series in enumerate(prices):
            for place, name in enumerate(columns):
                self.prices[place, feed] = self.at_steps(np.frombuffer(getattr(series, name)), feed)
        since = settings.start_date if settings.warm_up_bars else None
        self.sessions, ends = timeline.session_ends(steps, since)
        self.ends = np.array(ends, np.int64)
        first = [timeline.begin(ends[0])] if ends else []
        self.begins = np.array(first + [end + 1 for end in ends[:-1]], np.int64)
        self.blocks = self._blocks()
        covered = settings.benchmark is not None and settings.benchmark.covers(self.sessions)
        self.benchmark = np.array(
            settings.benchmark.deviations if covered and settings.benchmark is not None else [], float
        )
        charges = settings.commission
        self.account = np.array(
            [settings.cash, charges.percent, charges.per_share, charges.minimum, settings.slippage]
        )
        self.day_factors = self._day_factors()
        self.fee_factors = self.day_factors if charges.per_share else np.ones_like(self.day_factors)

    def at_steps(self, values: Any, feed: int) -> Any:
        """A value a bar of a feed as one a step: that of the newest bar, at first that of the first."""
        return np.ascontiguousarray(values[np.maximum(self.bar[feed], 0)])

    def step_of_bar(self, feed: int, bar: int) -> int:
        """The step at which a feed's bar (from 0) arrives; the number of steps where it never does."""
        return int(np.searchsorted(self.bar[feed], bar))

    def _blocks(self) -> Any:
        count = self.settings.block_count
        if count < 1:
            return np.zeros(1, np.int64)
        start = self.settings.start_date
        days = (self.settings.end_date - start).days + 1
        places = [(session - start).days * count // days for session in self.sessions]
        return np.searchsorted(np.array(places, np.int64), np.arange(count + 1)).astype(np.int64)

    def _day_factors(self) -> Any:
        """Shares of the bar's day that one adjusted share is, as strategies.shares.day_shares."""
        factors = np.ones(self.newest.shape)
        numbers = self.data_set.numbers
        for feed, series in enumerate(self.data_set.prices):
            times = self.at_steps(np.array(numbers[feed]), feed)
            steps = self.data_set.splits.get(series.symbol, ())
            for until, factor in reversed(steps):
                factors[feed][times < until] = factor
        return factors

    def why_not(self) -> str:
        """Why the kernel does not cover these prices or this account, in words; empty where it does."""
        if self.settings.margin is not None:
            return "the account has margin"
        if self.settings.cash_flows is not None:
            return "the account has cash flows"
        for series in self.data_set.prices:
            if self.settings.contracts.get(series.symbol, SHARE) != SHARE:
                return f"{series.symbol} has terms of a contract"
        if not self.data_set.timeline.ordinary:
            return "a close is not a positive number"
        if not self.sessions:
            return "no session lies in the window"
        window = self.settings
        inside = window.start_date <= self.sessions[0] <= self.sessions[-1] <= window.end_date
        if window.block_count and not inside:
            return "a session lies outside the run's window"
        return ""
