"""What moves a strategy's indicators: which of them ride on a feed's cell, and which must be pushed."""

from __future__ import annotations

from typing import Any

from backtrader.indicator import Indicator
from backtrader.linebuffer import LineActions, LineBuffer
from backtrader.lineiterator import LineIterator
from backtrader.lineseries import LineSeriesStub

from runners.engines.backtrader.fast_lines import Cell, RidingLine, alight, ride, rides


class Movers:
    """The indicators that stock Backtrader moves in Strategy._oncepost: those that the strategy itself owns.

    An indicator moves with its clock, a feed in the end. Where that feed's lines may be seen before the
    indicators have moved (`late`: timers, cheat on open), indicators ride on cells of their own.
    """

    def __init__(self, strategy: Any, feed_cells: list[Cell], *, late: bool) -> None:
        self._strategy = strategy
        self._feed_cells = feed_cells
        self._cells: list[Cell] = [[-1] for _ in feed_cells] if late else feed_cells
        self._late = late
        self._riding: list[tuple[Any, Cell]] = []
        self._pushed: list[tuple[LineActions, Cell]] = []
        self._stubborn: list[Any] = []
        self._sort()
        self.always = late or bool(self._pushed or self._stubborn)
        """True where `follow` must be called on every bar."""

    def _sort(self) -> None:
        feed_of: dict[int, int] = {}
        for place, data in enumerate(self._strategy.datas):
            for thing in (data, *data.lines.lines):
                feed_of.setdefault(id(thing), place)
        for indicator in self._strategy._lineiterators[LineIterator.IndType]:
            feed = feed_of.get(id(_clock(indicator)))
            kind = type(indicator)
            if feed is None or (
                kind.advance is not Indicator.advance and kind.advance is not LineBuffer.advance
            ):
                self._stubborn.append(indicator)
                continue
            feed_of[id(indicator)] = feed
            lines = [indicator] if isinstance(indicator, LineBuffer) else indicator.lines.lines
            for line in lines:
                feed_of[id(line)] = feed
                if rides(line):
                    self._riding.append((line, self._cells[feed]))
                else:
                    self._pushed.append((line, self._cells[feed]))

    def mount(self) -> None:
        for line, cell in self._riding:
            ride(line, cell)

    def dismount(self) -> None:
        for line, _ in self._riding:
            if isinstance(line, RidingLine):
                alight(line)

    def follow(self, moved: tuple[int, ...] | None) -> None:
        """Move what does not ride along; `moved` are the feeds with a new bar, None for all."""
        if self._late:
            for cell, feed_cell in zip(self._cells, self._feed_cells, strict=True):
                cell[0] = feed_cell[0]
        for line, cell in self._pushed:
            line._idx = place = cell[0]
            line.lencount = place + 1
        for indicator in self._stubborn:
            if len(indicator._clock) > len(indicator):
                indicator.advance()


def _clock(indicator: Any) -> Any:
    clock = indicator._clock
    return clock.lines[0] if isinstance(clock, LineSeriesStub) else clock
