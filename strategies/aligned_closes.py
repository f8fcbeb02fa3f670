"""Closes of several symbols on the sessions that all of them have, for spreads and correlations.

Backtrader computes an indicator over two feeds by position, not by date: where one feed lacks a session, its
values would be those of different days.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any


class AlignedCloses:
    """The last `size` common sessions; call `observe()` once a bar, in `prenext` and `next`."""

    def __init__(self, feeds: Sequence[Any], size: int) -> None:
        self._feeds = tuple(feeds)
        self._rows: deque[tuple[float, ...]] = deque(maxlen=size)
        self._seen = 0.0

    def observe(self) -> bool:
        """Take the newest closes; True where all feeds have a bar of the same, new time."""
        if not all(len(feed) for feed in self._feeds):
            return False
        times = {feed.datetime[0] for feed in self._feeds}
        newest = max(times)
        if len(times) > 1 or newest == self._seen:
            return False
        self._seen = newest
        self._rows.append(tuple(feed.close[0] for feed in self._feeds))
        return True

    @property
    def is_full(self) -> bool:
        return len(self._rows) == self._rows.maxlen

    def closes(self, feed: Any) -> list[float]:
        place = self._feeds.index(feed)
        return [row[place] for row in self._rows]

    def returns(self, feed: Any) -> list[float]:
        """Log returns from one common session to the next."""
        return [math.log(after / before) for before, after in pairwise(self.closes(feed))]

    def volatility(self, feed: Any) -> float:
        """Sample deviation of the returns, per session."""
        return statistics.stdev(self.returns(feed))

    def correlation(self, one: Any, other: Any) -> float:
        """Pearson's; 0 where one of them never moves."""
        try:
            return statistics.correlation(self.returns(one), self.returns(other))
        except statistics.StatisticsError:
            return 0.0
