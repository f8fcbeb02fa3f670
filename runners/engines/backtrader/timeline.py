"""In which order the bars of several feeds arrive: known before a run, since all of them are loaded."""

from __future__ import annotations

import datetime as dt
import math
from array import array
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from runners.engines.base import AdjustedPrices
from strategies.session_days import SessionDay


class Timeline:
    """One entry a step of Backtrader's clock: the earliest bar that waits, with those of the same time.

    `numbers` holds Backtrader's time number of each step; `moves` which feeds have a bar there, None where
    every feed has one at every step.
    """

    def __init__(
        self,
        prices: Sequence[AdjustedPrices],
        feed_numbers: Sequence[array[float]],
        epochs: Mapping[float, int],
        days: Sequence[SessionDay],
    ) -> None:
        self._prices = prices
        self._epochs = epochs
        self._days = tuple(days)
        self.moves: list[tuple[int, ...]] | None = None
        if all(numbers == feed_numbers[0] for numbers in feed_numbers):
            self.numbers = feed_numbers[0]
        else:
            self.numbers, self.moves = _merged(feed_numbers)
        self.session_ends = lru_cache(maxsize=4)(self._session_ends)

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def closes(self) -> list[array[float]]:
        """Of each feed, the newest close at each step; NaN before its first bar."""
        if self.moves is None:
            return [series.close for series in self._prices]
        columns = [array("d") for _ in self._prices]
        places = [-1] * len(columns)
        for moved in self.moves:
            for feed in moved:
                places[feed] += 1
            for column, place, series in zip(columns, places, self._prices, strict=True):
                column.append(series.close[place] if place >= 0 else math.nan)
        return columns

    @cached_property
    def ordinary(self) -> bool:
        """True where every close is a positive number, so that a position's sign is that of its value."""
        return all(0.0 < close < math.inf for series in self._prices for close in series.close)

    def session(self, step: int) -> dt.date:
        """The session of a step: the latest that a bar of it belongs to, by the clock of its feed."""
        epoch = self._epochs[self.numbers[step]]
        if len(self._clocks) == 1:
            return self._days[0].date(epoch)
        days = self._days if self.moves is None else [self._days[feed] for feed in self.moves[step]]
        return max(day.date(epoch) for day in days)

    @cached_property
    def _clocks(self) -> set[SessionDay]:
        return set(self._days)

    def begin(self, step: int) -> int:
        """First step of the session that a step is in."""
        session = self.session(step)
        while step > 0 and self.session(step - 1) >= session:
            step -= 1
        return step

    def _session_ends(self, steps: int, since: dt.date | None) -> tuple[list[dt.date], list[int]]:
        """Dates of the first `steps` steps from `since` on, and the last step of each.

        Where one feed has begun its next session, bars of others that still end theirs belong to it.
        """
        sessions: list[dt.date] = []
        ends: list[int] = []
        for step in range(min(steps, len(self.numbers))):
            session = self.session(step)
            if since is not None and session < since:
                continue
            if sessions and session <= sessions[-1]:
                ends[-1] = step
            else:
                sessions.append(session)
                ends.append(step)
        return sessions, ends


def _merged(feed_numbers: Sequence[array[float]]) -> tuple[array[float], list[tuple[int, ...]]]:
    """The rule of Backtrader's loop: every feed whose next bar is not later than the earliest one moves."""
    numbers: array[float] = array("d")
    moves: list[tuple[int, ...]] = []
    places = [0] * len(feed_numbers)
    while True:
        waiting = [
            column[place] if place < len(column) else math.inf
            for column, place in zip(feed_numbers, places, strict=True)
        ]
        earliest = min(waiting)
        if earliest == math.inf:
            return numbers, moves
        moved = tuple(feed for feed, number in enumerate(waiting) if number <= earliest)
        for feed in moved:
            places[feed] += 1
        numbers.append(earliest)
        moves.append(moved)
