"""A feed whose bars are loaded by handing whole arrays to its lines."""

from __future__ import annotations

from array import array
from typing import Any

from runners.engines.backtrader.feed import ArrayFeed


class SharedFeed(ArrayFeed):
    """`columns` are the arrays by line name. Nothing may write to them: other points read them too."""

    params = (("columns", None),)  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.preloaded = False
        # Found at once instead of through two levels of Backtrader's attribute look-up.
        for name in self.getlinealiases():
            setattr(self, name, getattr(self.lines, name))

    def preload(self) -> None:
        if not self._loads_plainly():
            super().preload()
            return
        columns: dict[str, array[float]] = self.p.columns
        for name in self.getlinealiases():
            getattr(self.lines, name).array = columns[name]
        self.home()
        # Asked for more at the end, it has none.
        self._row = len(self.p.series)
        self.preloaded = True

    def part(self) -> None:
        """Give the lines arrays of their own: a loop that goes by bar appends to them at the end."""
        for line in self.lines.lines:
            line.array = line.array[:]

    def _loads_plainly(self) -> bool:
        """False where bars are changed, dropped or made on the way, which only the load by bar does."""
        lines: Any = self.lines.lines
        return not (
            self._filters
            or self._ffilters
            or self.resampling
            or self.replaying
            or self._tzinput
            or self.p.fromdate is not None
            or self.p.todate is not None
            or any(line.extension for line in lines)
        )

    def __len__(self) -> int:
        length: int = self.close.lencount
        return length

    def __getitem__(self, ago: int) -> float:
        value: float = self.close[ago]
        return value
