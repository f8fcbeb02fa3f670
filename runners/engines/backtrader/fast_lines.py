"""Lines that read their place from a cell which many of them share.

Stock Backtrader moves every line of every feed and indicator at every bar. Lines that ride on one cell are
all moved by one assignment, and those that nobody reads cost nothing.
"""

from __future__ import annotations

from array import array
from typing import Any

from backtrader.linebuffer import LineBuffer

Cell = list[int]
"""One number: the index of the current bar, -1 before the first."""


class SharedPriceError(TypeError):
    """A strategy wrote into a price line."""


class RidingLine(LineBuffer):  # type: ignore[misc]
    """A LineBuffer on a cell. Instances are made by `ride`, never by a call."""

    cell: Cell
    array: array[float]

    def __getitem__(self, ago: int) -> float:
        value: float = self.array[self.cell[0] + ago]
        return value

    def __len__(self) -> int:
        return self.cell[0] + 1

    def __setitem__(self, ago: int, value: float) -> None:
        # The array may be an indicator's result that other points read as well.
        self.array = self.array[:]
        super().__setitem__(ago, value)

    def set(self, value: float, ago: int = 0) -> None:
        self[ago] = value

    idx = _idx = property(lambda line: line.cell[0])
    lencount = property(lambda line: line.cell[0] + 1)


class RidingPriceLine(RidingLine):
    """A feed's line, which the broker reads as well."""

    def __setitem__(self, ago: int, value: float) -> None:
        raise SharedPriceError(
            "a strategy wrote into a price line, which all points share; run it with stock: true"
        )


class RidingOwnLine(RidingLine):
    """A strategy's own line: nobody else has its array."""

    __setitem__ = LineBuffer.__setitem__


def ride(line: Any, cell: Cell, kind: type[RidingLine] = RidingLine) -> None:
    """Put a plain line on a cell until `alight`."""
    line.__class__ = kind
    line.cell = cell


def alight(line: RidingLine) -> None:
    """Make it a plain line again, standing where it is."""
    place = line.cell[0]
    line.__class__ = LineBuffer
    line._idx = place
    line.lencount = place + 1


def rides(line: object) -> bool:
    """True where a line is no more than a buffer: what computes itself keeps its own index."""
    return type(line) is LineBuffer
