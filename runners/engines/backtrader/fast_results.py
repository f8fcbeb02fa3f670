"""Indicator results that the points of a work item share."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from runners.engines.backtrader.fast_windows import RunningSums, running_sums

Key = tuple[Any, ...]
"""Hashable values: a class, its parameters, the numbers of its inputs."""
NUMBERS = 200_000
"""Keys that are remembered; a work item does not come near it."""


class ResultCache:
    """Arrays by key, those used longest ago making room; lives as long as the child that runs an item.

    Of results that are built on others only those asked for twice are kept: in a search most of them depend
    on all parameters of a point and never come back.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._size = 0
        self._results: OrderedDict[Key, list[array[float]]] = OrderedDict()
        self._numbers: dict[Hashable, int] = {}
        self._offered: set[Key] = set()
        self._next = 0
        self._running_sums: dict[int, RunningSums | None] = {}

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._size

    def number(self, key: Hashable) -> int:
        """A short name for a key, so that keys which name other keys stay short."""
        number = self._numbers.get(key)
        if number is None:
            if len(self._numbers) >= NUMBERS:
                self._forget()
            number = self._numbers[key] = self._next
            self._next += 1
        return number

    def _forget(self) -> None:
        # Numbers are never used again, so keys made of forgotten ones cannot be met by mistake.
        self._numbers.clear()
        self._offered.clear()
        self._results.clear()
        self._running_sums.clear()
        self._size = 0

    def get(self, key: Key) -> list[array[float]] | None:
        results = self._results.get(key)
        if results is not None:
            self._results.move_to_end(key)
        return results

    def offer(self, key: Key, results: list[array[float]], *, at_once: bool) -> None:
        """Keep these, at once or if they were offered before; nobody may write to the arrays from then on."""
        if key in self._results:
            return
        if not at_once and key not in self._offered:
            self._offered.add(key)
            return
        self._results[key] = results
        self._size += _bytes(results)
        while self._size > self._limit:
            _, dropped = self._results.popitem(last=False)
            self._size -= _bytes(dropped)

    def running_sums(self, feed_line: int, values: array[float]) -> RunningSums | None:
        """Those of a line of a feed, by its number. They are always kept: feeds have few lines."""
        if feed_line not in self._running_sums:
            self._running_sums[feed_line] = running_sums(values)
        return self._running_sums[feed_line]


def _bytes(results: list[array[float]]) -> int:
    return sum(len(result) * result.itemsize for result in results)
