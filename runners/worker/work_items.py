"""What a runner holds of the queue, and what it has to tell about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from runners.engines.base import Point, PointRange
from runners.worker.block_image import BlockImage
from strategies.session_rows import Row

BLOCK = 1_000
Kind = Literal["strategy", "deadline", "memory", "crash", "infrastructure"]


@dataclass(frozen=True)
class WorkItem:
    """Claimed points of one run; `token` (a fencing token) proves the claim."""

    work_item_id: int
    token: UUID
    optimization_run_id: int
    attempt: int
    points: tuple[Point, ...] | tuple[PointRange, ...]
    """Of a run in bulk, ranges that are recorded as one block each."""

    @classmethod
    def from_row(
        cls,
        work_item_id: int,
        token: UUID,
        optimization_run_id: int,
        attempt: int,
        ordinals: list[int],
        parameters: list[dict[str, Any]] | None,
    ) -> WorkItem:
        """As desk.claim_work() answers it: without parameters, first and last ordinals of open ranges."""
        points: tuple[Point, ...] | tuple[PointRange, ...]
        if parameters is None:
            points = tuple(blocks(zip(ordinals[::2], ordinals[1::2], strict=True)))
        else:
            points = tuple(map(Point, ordinals, parameters))
        return cls(work_item_id, token, optimization_run_id, attempt, points)


def blocks(ranges: Iterable[tuple[int, int]]) -> Iterator[PointRange]:
    """Open ranges, cut into what is run and recorded together."""
    for first, last in ranges:
        for begin in range(first, last + 1, BLOCK):
            yield PointRange(begin, min(last, begin + BLOCK - 1))


@dataclass(frozen=True)
class Task:
    """Claimed work that is not points."""

    item: WorkItem
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """One point's outcome on its way to the database: a result, or a failure's kind and text."""

    item: WorkItem
    ordinal: int
    image: bytes | None = None
    """The result as PostgreSQL receives it, see result_image()."""
    kind: Kind | None = None
    error: str = ""
    block: BlockImage | None = None
    """The points of a range from `ordinal` on, as desk.complete_block() takes them."""
    rows: tuple[Row, ...] | None = None
    """Not an outcome: what the strategy has logged so far."""


@dataclass(frozen=True)
class Running:
    """A held item and the point of it that is executing, if one is."""

    item: WorkItem
    ordinal: int | None
