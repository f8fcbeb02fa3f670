"""The items that this worker holds: what is left of each, and the child that is on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from runners.engines.base import Point, PointRange, RunSettings
from runners.worker.work_items import Kind, Running, WorkItem
from runners.worker.zygote_client import ChildPipe

# Between the fork and the first message, and between the last result and the end, nothing takes long.
GRACE_SECONDS = 15.0


@dataclass
class Child:
    """A child process as the worker sees it; times are of the monotonic clock."""

    pipe: ChildPipe
    clock: float
    """When the point that is running began, or when the child last did something."""
    pid: int | None = None
    running: int | None = None
    killed: Literal["deadline", "memory"] | None = None
    why_killed: str = ""

    @property
    def child_id(self) -> int:
        return self.pipe.child_id

    def overdue(self, now: float, seconds_per_point: float) -> bool:
        limit = seconds_per_point if self.running is not None else GRACE_SECONDS
        return now - self.clock > limit


@dataclass
class HeldItem:
    """A claimed item until every one of its points is recorded."""

    item: WorkItem
    settings: RunSettings
    prices_key: str
    plan: Mapping[str, Any] | None = None
    """How the ordinals of a run in bulk are decoded."""
    waiting: dict[int, Point | PointRange] = field(default_factory=dict)
    """Points without an outcome, by ordinal, in order."""
    unrecorded: set[int] = field(default_factory=set)
    """Points that the database has not acknowledged."""
    child: Child | None = None

    def __post_init__(self) -> None:
        self.waiting = {point.ordinal: point for point in self.item.points}
        self.unrecorded = set(self.waiting)

    @property
    def untouched(self) -> bool:
        """True while no point of it has an outcome."""
        return len(self.waiting) == len(self.item.points)

    def suspect(self) -> int | None:
        """The point a dead child is charged with: the one that ran, else the first without an outcome."""
        if self.child is not None and self.child.running in self.waiting:
            return self.child.running
        return next(iter(self.waiting), None)

    def halve(self, ordinal: int) -> bool:
        """A range that a child died of, in two, so that in the end its own point is charged; False of a
        single point."""
        points = self.waiting[ordinal]
        halves = points.halves() if isinstance(points, PointRange) else ()
        if halves:
            del self.waiting[ordinal]
            self.waiting = {**{half.ordinal: half for half in halves}, **self.waiting}
            self.unrecorded |= {half.ordinal for half in halves}
        return bool(halves)


class Held:
    """All held items, by the id of their row."""

    def __init__(self) -> None:
        self._items: dict[int, HeldItem] = {}

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[HeldItem]:
        return iter(list(self._items.values()))

    def add(self, held: HeldItem) -> None:
        self._items[held.item.work_item_id] = held

    def get(self, work_item_id: int) -> HeldItem | None:
        return self._items.get(work_item_id)

    def drop(self, work_item_id: int) -> HeldItem | None:
        return self._items.pop(work_item_id, None)

    def of_child(self, child_id: int) -> HeldItem | None:
        for held in self._items.values():
            if held.child is not None and held.child.child_id == child_id:
                return held
        return None

    def with_child(self) -> Iterator[tuple[HeldItem, Child]]:
        for held in self:
            if held.child is not None:
                yield held, held.child

    def ready(self) -> Iterator[HeldItem]:
        """Items with points to run and no child on them, in the order in which they were claimed."""
        return (held for held in self if held.child is None and held.waiting)

    def running(self) -> list[Running]:
        return [Running(held.item, held.child.running if held.child else None) for held in self]


def failure_kind(child: Child | None) -> Kind:
    """What a child's end says about the point that ran in it."""
    return "crash" if child is None or child.killed is None else child.killed
