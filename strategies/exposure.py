"""What a position can become: itself, and every pending order of it that may still be filled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reach:
    """Signed shares: now, if all pending buys are filled, if all pending sells are."""

    size: float
    most: float
    least: float

    @property
    def worst(self) -> float:
        """The largest absolute position on the way."""
        return max(abs(self.most), abs(self.least), abs(self.size))

    def with_order(self, size: float) -> Reach:
        return Reach(self.size, self.most + max(size, 0.0), self.least + min(size, 0.0))

    def reduces(self, size: float) -> bool:
        """True of an order that can only bring the position nearer to none, whatever else is filled."""
        return self.most + size <= 0 if size > 0 else self.least + size >= 0

    def closes(self, size: float) -> bool:
        """True of an order against the position that is no larger than it."""
        return self.size * size < 0 and abs(size) <= abs(self.size)


def reach(size: float, orders: Iterable[Any]) -> Reach:
    """Of a group of which at most one is filled (one cancels other, stop and target) the largest counts.

    Orders that wait for their parent's fill do not count before it.
    """
    groups: dict[tuple[object, bool], float] = defaultdict(float)
    for order in orders:
        parent = order.parent
        if parent is not None and parent.alive():
            continue
        remaining = abs(order.executed.remsize)
        if parent is not None:
            group: object = parent.ref
        elif order.oco is not None:
            group = order.oco.ref
        else:
            group = order.ref
        key = (group, bool(order.isbuy()))
        single = parent is not None or order.oco is not None or key in groups
        groups[key] = max(groups[key], remaining) if single else remaining
    most = size + sum(shares for (_, buys), shares in groups.items() if buys)
    least = size - sum(shares for (_, buys), shares in groups.items() if not buys)
    return Reach(size, most, least)
