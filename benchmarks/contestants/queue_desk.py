"""The desk's queue through runners.worker.queue, in one process without children."""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg

from benchmarks.contestants.queue_times import paced, span
from benchmarks.contestants.serving import serve
from runners.database.connection import connect
from runners.engines.base import MetricValue, PointResult
from runners.worker.outcomes import finished
from runners.worker.queue import Queue, Runner
from runners.worker.result_image import FIELD, INT8, ORDINAL, result_image
from runners.worker.work_items import Report, WorkItem
from strategies.registry import published_strategies

ENGINES = ("backtrader", "prices")
# complete_and_claim without what stores and judges results.
SETTLE_AND_CLAIM = """
with given as (
  select array_agg(o.work_item_id) as items, array_agg(o.token) as tokens, array_agg(o.ordinal) as points
  from unnest($1::desk.point_outcome[]) as o
), settled as materialized (
  select desk.refusals(g.items, g.tokens, g.points) as refused, desk.settle_points(g.items, g.points)
  from given as g
)
select cardinality(array_positions(s.refused, null)),
  c.work_item_id, c.token, c.optimization_run_id, c.attempt, c.ordinals, c.parameters
from settled as s left join lateral desk.claim_work($2::bigint, $3::int, s.refused is null) as c on true
"""
# A strategy that did nothing, without a curve.
METRICS: dict[str, MetricValue] = {
    "starting_cash": 100_000.0, "ending_value": 100_000.0, "sessions": 0, "return_count": 0,
    "total_orders": 0, "total_trades": 0, "bars": 0, "duration": 0.0,
}  # fmt: skip
NOTHING: dict[str, MetricValue] = {}
TRIES, PAUSE = 40, 0.002
Claimed = tuple[WorkItem, int]
# Ends points, claims so many items if any, and answers them.
Finish = Callable[[Sequence[Claimed], int], list[WorkItem]]


class Desk:
    def __init__(self) -> None:
        self._queue = Queue(connect("runner"))
        self._runner = self._queue.register(
            Runner("bench", os.getpid(), "bench", ENGINES, 1, "bench", False, tuple(published_strategies()))
        )
        self._owner = connect("owner")
        self._director = connect("director")

    def obey(self, task: dict[str, Any]) -> list[float]:
        match task["do"]:
            case "drain":
                return self._drain(task["claim"], task["batch"], self._record)
            case "settle":
                return self._drain(task["claim"], task["batch"], self._settle)
            case "tasks":
                return self._drain_tasks(task["jobs"])
            case "send":
                return asyncio.run(self._send(task["jobs"], task["statement"]))
            case "listen":
                return self._listen(task["jobs"], task["kind"])
        return []

    # A queue that is full

    def _drain(self, claim: int, batch: int, finish: Finish) -> list[float]:
        """Points done, when the first claim began, and when the last outcome was recorded."""
        done, idle = 0, 0
        items: list[WorkItem] = []
        began = ended = time.monotonic()
        while idle < TRIES:
            items = items or self._queue.claim(self._runner, claim)
            if not items:
                # Work is cut only so far ahead. Nothing at all may mean that another one holds the run's row.
                idle = 0 if self._queue.advance(self._runner) else idle + 1
                time.sleep(PAUSE if idle else 0)
                continue
            idle = 0
            points = _points(items)
            for first in range(0, len(points), batch):
                items = finish(points[first : first + batch], claim if first + batch >= len(points) else 0)
            done, ended = done + len(points), time.monotonic()
        return [float(done), began, ended]

    def _record(self, points: Sequence[Claimed], claim: int) -> list[WorkItem]:
        answers, items = self._queue.record_and_claim(_reports(points, METRICS), self._runner, claim)
        words = {word for _, word in answers}
        if words != {"recorded"}:
            raise RuntimeError(f"the desk answered {words}")
        return items

    def _settle(self, points: Sequence[Claimed], claim: int) -> list[WorkItem]:
        values = (finished(_reports(points, NOTHING), self._queue.outcome_type), self._runner, claim)
        with psycopg.RawCursor(self._owner) as cursor:
            rows = cursor.execute(SETTLE_AND_CLAIM, values, binary=True).fetchall()
        if rows[0][0] != len(points):
            raise RuntimeError(f"{rows[0][0]} of {len(points)} were settled")
        return [WorkItem.from_row(*row) for _, *row in rows if row[0] is not None]

    def _drain_tasks(self, count: int) -> list[float]:
        starts = []
        for _ in range(count):
            starts.append(time.monotonic())
            self._one_task()
        return [float(count), *span([*starts, time.monotonic()])]

    def _one_task(self) -> None:
        task = self._queue.claim_task(self._runner)
        if task is None:
            raise RuntimeError("there is no task")
        if (word := self._queue.end_task(task.item, {"result": {}})) != "recorded":
            raise RuntimeError(f"the desk answered {word}")

    # A queue that is idle

    async def _send(self, count: int, statement: str) -> list[float]:
        connection = self._director if "into desk.jobs" in statement else self._owner
        return [_timed(connection, statement, number) async for number in paced(count)]

    def _listen(self, count: int, kind: str) -> list[float]:
        """When each piece of work was in hand; it asks when it is told, and until there is nothing."""
        starts: list[float] = []
        poll = select.poll()
        poll.register(self._queue.fileno(), select.POLLIN)
        while len(starts) < count:
            found = list(self._take_task() if kind == "task" else self._take_points(plan=kind == "search"))
            starts += found
            # What was told during a call is not in the socket any more.
            while not found and not self._queue.notified():
                poll.poll()
        return starts

    def _take_task(self) -> Iterator[float]:
        task = self._queue.claim_task(self._runner)
        if task is not None:
            yield time.monotonic()
            self._queue.end_task(task.item, {"result": {}})

    def _take_points(self, *, plan: bool) -> Iterator[float]:
        items = self._queue.claim(self._runner, 2)
        if not items and plan and self._queue.advance(self._runner):
            items = self._queue.claim(self._runner, 2)
        now = time.monotonic()
        yield from [now] * len(items)
        if items:
            self._queue.record(_reports(_points(items), METRICS))
        if items and plan:
            self._queue.advance(self._runner)


def _timed(connection: psycopg.Connection[Any], statement: str, number: int) -> float:
    text = statement.replace("@", str(number)).encode()
    now = time.monotonic()
    connection.execute(text)
    return now


def _points(items: Sequence[WorkItem]) -> list[Claimed]:
    return [(item, point.ordinal) for item in items for point in item.points]


def _reports(points: Sequence[Claimed], metrics: dict[str, MetricValue]) -> list[Report]:
    # In a runner children make the images, side by side with the queue; they differ in their ordinals only.
    head = FIELD.pack(INT8, ORDINAL.size)
    rest = result_image(PointResult(0, metrics, [], [], []))[len(head) + ORDINAL.size :]
    return [Report(item, ordinal, image=head + ORDINAL.pack(ordinal) + rest) for item, ordinal in points]


if __name__ == "__main__":
    serve(Desk().obey)
