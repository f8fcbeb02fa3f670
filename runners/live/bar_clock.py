"""Bars that arrive one by one become whole steps, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runners.live.steps import Bar


@dataclass(frozen=True)
class Irregularity:
    """A bar that was late, missing, or came again with other figures."""

    kind: str
    symbol: str
    epoch: int
    bar: Bar | None = None


class BarClock:
    """A step is due when every symbol has its bar, or `grace` seconds after its bars have ended.

    Backtrader by itself hands each symbol's bar to the strategy as it comes, so that one moment of several
    symbols would be several calls of next(), and other orders. What comes after its step is late: it is kept
    out, because nobody can take a decision back, and told.
    """

    def __init__(self, symbols: Iterable[str], bar_seconds: int, grace: float) -> None:
        self._symbols = tuple(symbols)
        self._bar_seconds = bar_seconds
        self._grace = grace
        self._waiting: dict[int, dict[str, Bar]] = {}
        self._last: int | None = None
        self.irregular: list[Irregularity] = []
        """What was not as it should be, for the caller to record and clear."""

    def add(self, symbol: str, epoch: int, bar: Bar) -> None:
        """A bar that begins at `epoch` (UTC seconds). Until its step is out, a second one replaces it."""
        if symbol not in self._symbols:
            raise ValueError(f"{symbol} is none of {', '.join(self._symbols)}")
        if self._last is not None and epoch <= self._last:
            self.irregular.append(Irregularity("late", symbol, epoch, bar))
            return
        bars = self._waiting.setdefault(epoch, {})
        if bars.get(symbol, bar) != bar:
            self.irregular.append(Irregularity("corrected", symbol, epoch, bars[symbol]))
        bars[symbol] = bar

    def due(self, now: float) -> Iterator[tuple[int, dict[str, Bar]]]:
        """The steps that are due at `now` (UTC seconds), the symbols in the session's order."""
        for epoch in sorted(self._waiting):
            bars = self._waiting[epoch]
            missing = [symbol for symbol in self._symbols if symbol not in bars]
            if missing and now < epoch + self._bar_seconds + self._grace:
                return
            self.irregular += [Irregularity("missing", symbol, epoch) for symbol in missing]
            del self._waiting[epoch]
            self._last = epoch
            yield epoch, {symbol: bars[symbol] for symbol in self._symbols if symbol in bars}
