"""Backtrader fed from outside, one step a round.

Nothing of Backtrader is replaced at run time. Its loop begins each round by asking stores for news: there the
next step is fetched. Then each feed hands out its symbol's bar of that step, or nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import backtrader as bt
from backtrader.brokers.bbroker import BackBroker
from backtrader.position import Position

from runners.engines.backtrader.feed import time_number
from runners.live.steps import Step


class Steps:
    """Where the loop takes its steps from; `fetch` answers None at the end, and may wait."""

    def __init__(self, fetch: Callable[[], Step | None]) -> None:
        self._fetch = fetch
        self.step: Step | None = None
        self.number = 0.0
        """Backtrader's time of the step."""
        self.ended = False

    def advance(self) -> None:
        # After the end Backtrader goes one more round, which must not wait for anything.
        self.step = None if self.ended else self._fetch()
        self.ended = self.step is None
        if self.step is not None:
            self.number = time_number(self.step.epoch)


class StepFeed(bt.feed.DataBase):  # type: ignore[misc]
    """One symbol's bars of the steps; a live feed, so that Backtrader reads no bar before its time."""

    params = (("steps", None),)

    def islive(self) -> bool:
        return True

    def start(self) -> None:
        super().start()
        self._taken: Step | None = None

    def _load(self) -> bool | None:
        steps: Steps = self.p.steps
        step = steps.step
        bar = None if step is None or step is self._taken else step.bars.get(self._name)
        if step is None or bar is None:
            # None: nothing now, go on; False: there will be nothing more.
            return False if steps.ended else None
        self._taken = step
        lines = self.lines
        lines.datetime[0] = steps.number
        lines.open[0], lines.high[0], lines.low[0], lines.close[0], lines.volume[0] = bar
        return True


class Positions(defaultdict[Any, Any]):
    """Positions by feed in the order in which somebody asked for them, which is the order of their sums. A
    symbol that has not had a bar yet has no price, and is passed over."""

    def __iter__(self) -> Iterator[Any]:
        return (data for data in super().__iter__() if len(data))


class StepBroker(BackBroker):  # type: ignore[misc]
    """Backtrader's broker, where one symbol's first bar may come after another's."""

    def init(self) -> None:
        super().init()
        self.positions = Positions(Position)

    def take_over(self, feeds: Mapping[str, Any], held: Mapping[str, tuple[float, float]]) -> None:
        """Begins with size and average price of what is held already, by symbol."""
        for symbol, (size, price) in held.items():
            self.positions[feeds[symbol]] = Position(size, price)

    def held(self) -> dict[str, float]:
        """Sizes by symbol, of what is held."""
        return {data._name: position.size for data, position in self.positions.items() if position.size}


class StepCerebro(bt.Cerebro):  # type: ignore[misc]
    """Takes exactly one step a round."""

    def over(self, steps: Steps, symbols: tuple[str, ...], timeframe: int, compression: int) -> StepCerebro:
        self.steps = steps
        for symbol in symbols:
            self.adddata(StepFeed(steps=steps, timeframe=timeframe, compression=compression), name=symbol)
        return self

    def _storenotify(self) -> None:
        super()._storenotify()
        self.steps.advance()
