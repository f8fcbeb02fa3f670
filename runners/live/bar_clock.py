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
    """A step is due when every symbol has its bar, or `grace` seconds after its bars have ended and the first
    of them has come. What is not later than `after` is over already.

    Backtrader by itself hands each symbol's bar to the strategy as it comes, so that one moment of several
    symbols would be several calls of next(), and other orders. What comes after its step is late: it is kept
    out, because nobody can take a decision back, and told.
    """

    def __init__(
        self, symbols: Iterable[str], bar_seconds: int, grace: float, after: int | None = None
    ) -> None:
        self._symbols = tuple(symbols)
        self._bar_seconds = bar_seconds
        self._grace = grace
        self._waiting: dict[int, dict[str, Bar]] = {}
        self._first_came: dict[int, float] = {}
        self._last = after
        self.irregular: list[Irregularity] = []
        """What was not as it should be, for the caller to record and clear."""

    def add(self, symbol: str, epoch: int, bar: Bar, now: float | None = None) -> None:
        """A bar that begins at `epoch` and came at `now` (UTC seconds), by default when it ended.

        Until its step is out, a second one replaces it.
        """
        if symbol not in self._symbols:
            raise ValueError(f"{symbol} is none of {', '.join(self._symbols)}")
        if self._last is not None and epoch <= self._last:
            self.irregular.append(Irregularity("late", symbol, epoch, bar))
            return
        bars = self._waiting.setdefault(epoch, {})
        if bars.get(symbol, bar) != bar:
            self.irregular.append(Irregularity("corrected", symbol, epoch, bars[symbol]))
        bars[symbol] = bar
        self._first_came.setdefault(epoch, now if now is not None else epoch + self._bar_seconds)

    def due(self, now: float) -> Iterator[tuple[int, dict[str, Bar]]]:
        """The steps that are due at `now` (UTC seconds), the symbols in the session's order."""
        for epoch in sorted(self._waiting):
            bars = self._waiting[epoch]
            missing = [symbol for symbol in self._symbols if symbol not in bars]
            waited_since = max(epoch + self._bar_seconds, self._first_came[epoch])
            if missing and now < waited_since + self._grace:
                return
            self.irregular += [Irregularity("missing", symbol, epoch) for symbol in missing]
            del self._waiting[epoch], self._first_came[epoch]
            self._last = epoch
            yield epoch, {symbol: bars[symbol] for symbol in self._symbols if symbol in bars}
