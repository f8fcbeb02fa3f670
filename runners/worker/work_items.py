"""What a runner holds of the queue, and what it has to tell about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from runners.engines.base import Point
from strategies.session_rows import Row

Kind = Literal["strategy", "deadline", "memory", "crash", "infrastructure"]


@dataclass(frozen=True)
class WorkItem:
    """Claimed points of one run; `token` (a fencing token) proves the claim."""

    work_item_id: int
    token: UUID
    optimization_run_id: int
    attempt: int
    points: tuple[Point, ...]

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
        """As desk.claim_work() answers it."""
        points = tuple(map(Point, ordinals, parameters or ()))
        return cls(work_item_id, token, optimization_run_id, attempt, points)


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
    rows: tuple[Row, ...] | None = None
    """Not an outcome: what the strategy has logged so far."""


@dataclass(frozen=True)
class Running:
    """A held item and the point of it that is executing, if one is."""

    item: WorkItem
    ordinal: int | None
