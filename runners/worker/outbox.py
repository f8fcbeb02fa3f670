"""Outcomes on their way to the database: kept until it has answered for each (at-least-once delivery)."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg

from runners.worker.link import CONNECTION_ERRORS
from runners.worker.outcomes import BLOCK, FAILURE, ROWS, call
from runners.worker.queue import Queue
from runners.worker.work_items import Report, WorkItem

BATCH = 50
SECONDS = 0.2
Answers = list[tuple[Report, str]]
# The last two: a value that cannot be sent at all.
UNRECORDABLE = (psycopg.Error, TypeError, ValueError)


class Outbox:
    """Collects reports and hands them over in batches; `answered` is told the word for each."""

    def __init__(self, answered: Callable[[Report, str], None]) -> None:
        self._answered = answered
        self._reports: list[Report] = []
        self._oldest = 0.0

    def __len__(self) -> int:
        return len(self._reports)

    def add(self, report: Report) -> None:
        if not self._reports:
            self._oldest = time.monotonic()
        self._reports.append(report)

    def due(self, now: float) -> bool:
        return bool(self._reports) and (len(self._reports) >= BATCH or now - self._oldest >= SECONDS)

    def forget(self, item: WorkItem) -> None:
        """Drop what belongs to a claim that is no longer ours."""
        self._reports = [report for report in self._reports if report.item.token != item.token]

    def flush(self, queue: Queue, record: Callable[[list[Report]], Answers] | None = None) -> None:
        """Record everything, a batch a call of `record` (else the queue's own).

        Where the connection breaks, what has no answer stays for the next time.
        """
        while self._reports:
            batch = self._next()
            try:
                answers = (record or queue.record)(batch)
            except CONNECTION_ERRORS:
                raise
            except UNRECORDABLE:
                answers = _one_by_one(queue, batch)
            sent = set(map(id, batch))
            self._reports = [report for report in self._reports if id(report) not in sent]
            for report, word in answers:
                self._answered(report, word)

    def _next(self) -> list[Report]:
        """What a strategy logged goes before its outcome, and failures come last: a failure may end the claim
        under which the others are told."""
        for told in (ROWS, None, BLOCK, FAILURE):
            batch = [report for report in self._reports if call(report) is told]
            if batch:
                break
        return batch[:BATCH]


def _one_by_one(queue: Queue, batch: list[Report]) -> Answers:
    """A batch is one transaction, so one report that PostgreSQL raises at must not take the others along."""
    answers: Answers = []
    for report in batch:
        try:
            answers += queue.record([report])
        except CONNECTION_ERRORS:
            raise
        except UNRECORDABLE as error:
            said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
            answers.append((report, f"error: {said or error}"))
    return answers
