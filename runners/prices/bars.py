"""Bars one by one for people, and in columns where there are many."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Bar:
    """Raw prices of one bar; `line` is where the source has it, for messages."""

    time: dt.datetime
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    line: int | None = None


@dataclass(frozen=True, eq=False)
class Bars(Sequence[Bar]):
    """Many bars as arrays of one length: times in microseconds since 1970 (int64), prices as float64."""

    times: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    lines: np.ndarray | None = None

    @classmethod
    def of(cls, bars: Sequence[Bar]) -> Bars:
        """The same bars in columns."""
        if isinstance(bars, Bars):
            return bars
        prices = np.array(
            [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars], dtype=np.float64
        ).reshape(-1, 5)
        times = np.array([(bar.time - _EPOCH) // _MICROSECOND for bar in bars], dtype=np.int64)
        lines = [bar.line for bar in bars if bar.line is not None]
        lined = np.array(lines, dtype=np.int64) if len(lines) == len(bars) else None
        opened, high, low, close, volume = prices.T
        return cls(times, opened, high, low, close, volume, lined)

    def taken(self, rows: np.ndarray) -> Bars:
        """Those of these rows, in their order."""
        return Bars(
            self.times[rows], self.open[rows], self.high[rows], self.low[rows], self.close[rows],
            self.volume[rows], None if self.lines is None else self.lines[rows],
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.times)

    @overload
    def __getitem__(self, place: int) -> Bar: ...
    @overload
    def __getitem__(self, place: slice) -> Bars: ...
    def __getitem__(self, place: int | slice) -> Bar | Bars:
        if isinstance(place, slice):
            return self.taken(np.arange(len(self))[place])
        return Bar(
            _EPOCH + dt.timedelta(microseconds=int(self.times[place])),
            float(self.open[place]), float(self.high[place]), float(self.low[place]),
            float(self.close[place]), float(self.volume[place]),
            None if self.lines is None else int(self.lines[place]),
        )  # fmt: skip

    def __iter__(self) -> Iterator[Bar]:
        return (self[place] for place in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]
