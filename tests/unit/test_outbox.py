"""Outcomes are kept until PostgreSQL has answered; one that it chokes on does not take others along."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from runners.worker.outbox import BATCH, SECONDS, Outbox
from runners.worker.outcomes import in_one_statement
from runners.worker.work_items import Report, WorkItem

ITEM = WorkItem(1, uuid.uuid4(), 1, 1, ())


class FakeQueue:
    """Records ordinals; raises what it is told to at an ordinal."""

    def __init__(self, trouble: dict[int, Exception] | None = None) -> None:
        self.trouble = trouble or {}
        self.batches: list[list[int]] = []

    def record(self, reports: Sequence[Report]) -> list[tuple[Report, str]]:
        for report in reports:
            if report.ordinal in self.trouble:
                raise self.trouble[report.ordinal]
        self.batches.append([report.ordinal for report in reports])
        return [(report, "recorded") for report in reports]


def filled(count: int) -> tuple[Outbox, dict[int, str]]:
    words: dict[int, str] = {}
    outbox = Outbox(lambda report, word: words.update({report.ordinal: word}))
    for ordinal in range(count):
        outbox.add(Report(ITEM, ordinal, kind="strategy", error="x"))
    return outbox, words


def flush(outbox: Outbox, queue: Any) -> None:
    outbox.flush(queue)


def test_it_is_due_by_number_or_by_age() -> None:
    outbox, _ = filled(BATCH - 1)
    now = time.monotonic()
    assert not outbox.due(now)
    assert outbox.due(now + SECONDS)
    outbox.add(Report(ITEM, BATCH))
    assert outbox.due(now)
    assert not Outbox(lambda *_: None).due(now + 100)


def test_everything_goes_in_batches() -> None:
    outbox, words = filled(BATCH + 7)
    queue = FakeQueue()
    flush(outbox, queue)
    assert [len(batch) for batch in queue.batches] == [BATCH, 7]
    assert set(words.values()) == {"recorded"}
    assert len(outbox) == 0


@pytest.mark.parametrize("trouble", [psycopg.DataError("no such value"), TypeError("no number")])
def test_one_that_cannot_be_recorded_goes_alone(trouble: Exception) -> None:
    outbox, words = filled(4)
    flush(outbox, FakeQueue({2: trouble}))
    assert words == {0: "recorded", 1: "recorded", 2: f"error: {trouble}", 3: "recorded"}


def test_a_lost_connection_loses_nothing() -> None:
    outbox, words = filled(4)
    with pytest.raises(psycopg.OperationalError):
        flush(outbox, FakeQueue({2: psycopg.OperationalError("gone")}))
    assert len(outbox) == 4
    flush(outbox, FakeQueue())
    assert len(words) == 4


def test_what_belongs_to_a_lost_claim_is_forgotten() -> None:
    outbox, words = filled(2)
    outbox.add(Report(WorkItem(1, uuid.uuid4(), 1, 2, ()), 9))
    outbox.forget(ITEM)
    flush(outbox, FakeQueue())
    assert words == {9: "recorded"}


def test_what_was_logged_goes_first_and_failures_last() -> None:
    outbox = Outbox(lambda *_: None)
    told = [
        Report(ITEM, 1, kind="crash", error="x"),
        Report(ITEM, 2, image=b""),
        Report(ITEM, 3, rows=()),
        Report(ITEM, 4, image=b""),
    ]
    for report in told:
        outbox.add(report)
    queue = FakeQueue()
    flush(outbox, queue)
    assert queue.batches == [[3], [2, 4], [1]]


def test_one_statement_tells_outcomes_of_one_kind() -> None:
    with pytest.raises(ValueError, match="several kinds"):
        in_one_statement([Report(ITEM, 1, kind="crash"), Report(ITEM, 2, rows=())], 0)
