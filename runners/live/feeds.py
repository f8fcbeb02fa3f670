"""Where a session's bars come from: loaded ones, of a window or as they are loaded; put together to steps."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from runners.engines.base import AdjustedPrices
from runners.live.bar_clock import BarClock, Irregularity
from runners.live.steps import Bar


@dataclass(frozen=True)
class Arrival:
    """A bar that began at `epoch` came at `at`, both in UTC seconds."""

    at: float
    symbol: str
    epoch: int
    bar: Bar


@dataclass(frozen=True)
class TimedStep:
    """The bars of a moment, when each came, and what was not as it should be until then."""

    epoch: int
    bars: dict[str, Bar]
    arrived: dict[str, float]
    irregular: tuple[Irregularity, ...]


def arrivals(prices: Sequence[AdjustedPrices], bar_seconds: int) -> list[Arrival]:
    """Bars as they would have come, each when it was over, in the order of time and then of the symbols."""
    found = [
        Arrival(
            epoch + bar_seconds, one.symbol, epoch,
            Bar(one.open[row], one.high[row], one.low[row], one.close[row], one.volume[row]),
        )
        for one in prices
        for row, epoch in enumerate(one.epochs)
    ]  # fmt: skip
    found.sort(key=lambda arrival: arrival.at)
    return found


class Steps:
    """Arrivals put together by a BarClock."""

    def __init__(
        self, symbols: Iterable[str], bar_seconds: int, grace: float, after: int | None = None
    ) -> None:
        self._clock = BarClock(symbols, bar_seconds, grace, after)
        self._arrived: dict[tuple[int, str], float] = {}

    def add(self, arrival: Arrival) -> None:
        self._clock.add(arrival.symbol, arrival.epoch, arrival.bar, arrival.at)
        self._arrived[arrival.epoch, arrival.symbol] = arrival.at

    def due(self, now: float) -> Iterator[TimedStep]:
        for epoch, bars in self._clock.due(now):
            arrived = {symbol: self._arrived.pop((epoch, symbol)) for symbol in bars}
            yield TimedStep(epoch, bars, arrived, self.irregular())

    def irregular(self) -> tuple[Irregularity, ...]:
        found = tuple(self._clock.irregular)
        self._clock.irregular.clear()
        return found


def replayed(
    steps: Steps, coming: Iterable[Arrival], *, speed: float = 0.0, since: float = -math.inf
) -> Iterator[TimedStep]:
    """The steps of arrivals in their order; with a speed, each when it is due, counted from the first at or
    after `since`."""
    began, first = time.monotonic(), None
    for arrival in coming:
        yield from steps.due(arrival.at)
        if speed and arrival.epoch >= since:
            first = arrival.at if first is None else first
            time.sleep(max(0.0, (arrival.at - first) / speed - (time.monotonic() - began)))
        steps.add(arrival)
    yield from steps.due(math.inf)

