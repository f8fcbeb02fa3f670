"""Outcomes as calls of the SQL API: one statement, however many outcomes it carries.

PostgreSQL begins when it has the whole statement. In a pipeline it would begin with the first outcome, and a
runner that is stopped before it has sent the last would keep a run's row locked for as long as it sleeps.

Finished points are one array and one call. What is rarer, failures and logged rows, is a call an outcome.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import LiteralString

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from runners.worker.block_image import TYPES
from runners.worker.result_image import outcomes_image
from runners.worker.work_items import Report
from strategies.session_rows import by_name

HEAD = ("bigint", "uuid", "bigint")
FINISHED = "select unnest(desk.complete_work($1))"


@dataclass(frozen=True)
class Call:
    """A function that is called once an outcome, with the point's item, token and ordinal before the rest."""

    function: LiteralString
    types: tuple[LiteralString, ...]
    arguments: Callable[[Report], Sequence[object]]


@dataclass(frozen=True)
class Outcomes:
    """An array of desk.point_outcome as it is sent."""

    image: bytes


class OutcomesDumper(Dumper):
    format = Format.BINARY
    # Of a type that each database numbers by itself, and that PostgreSQL infers from the function.
    oid = 0

    def dump(self, obj: Outcomes) -> bytes:
        return obj.image


psycopg.adapters.register_dumper(Outcomes, OutcomesDumper)


def call(report: Report) -> Call | None:
    """The call that tells this outcome; None of a finished point, which is told with others."""
    if report.block is not None:
        return BLOCK
    if report.rows is not None:
        return ROWS
    return FAILURE if report.image is None else None


def finished(reports: Sequence[Report], outcome_type: int) -> Outcomes:
    """Finished points as one array.

    `outcome_type` is the number that the database has for desk.point_outcome.
    """
    claimed = [
        (report.item.work_item_id, report.item.token, report.image)
        for report in reports
        if report.image is not None
    ]
    return Outcomes(outcomes_image(outcome_type, claimed))


def in_one_statement(reports: Sequence[Report], outcome_type: int) -> tuple[LiteralString, list[object]]:
    """A statement that answers a word a report, in their order, and its parameters, for a RawCursor."""
    told = call(reports[0])
    if told is BLOCK:
        raise ValueError("a block is a statement of its own: block_statement()")
    if any(call(other) is not told for other in reports):
        raise ValueError("outcomes of several kinds are not one statement")
    if told is None:
        return FINISHED, [finished(reports, outcome_type)]
    values: list[object] = []
    for report in reports:
        item = report.item
        values += (item.work_item_id, item.token, report.ordinal, *told.arguments(report))
    return _statement(told.function, told.types, len(reports)), values


@lru_cache
def _statement(function: LiteralString, types: tuple[LiteralString, ...], count: int) -> LiteralString:
    types = HEAD + types
    width = len(types)
    names = ", ".join([f"a{number}" for number in range(width)])
    rows = ", ".join([
        "(" + ", ".join([f"${width * row + place}::{name}" for place, name in enumerate(types, 1)]) + ")"
        for row in range(count)
    ])  # fmt: skip
    return f"select desk.{function}({names}) from (values {rows}) as given ({names})"


def block_statement(report: Report) -> tuple[LiteralString, list[object]]:
    """A statement that records a block and answers rows of a word and how many points it is about."""
    assert report.block is not None
    values: list[object] = [report.item.work_item_id, report.item.token, report.ordinal, report.block.seconds]
    values += (None if array is None else Outcomes(array) for array in report.block.arrays)
    return RECORD_BLOCK, values


def _logged(report: Report) -> Sequence[object]:
    """By table; PostgreSQL's texts hold no NUL."""
    return (json.dumps(by_name(report.rows or ()), allow_nan=False).replace("\\u0000", "?"),)


def _failed(report: Report) -> Sequence[object]:
    return report.kind, report.error


ROWS = Call("record_session_rows", ("text::jsonb",), _logged)
BLOCK = Call("complete_block", (), lambda report: ())
RECORD_BLOCK: LiteralString = (
    "select word, points from desk.complete_block($1::bigint, $2::uuid, $3::bigint, $4::float8, "
    + ", ".join([f"${place}::{name}" for place, name in enumerate(TYPES, 5)])
    + ")"
)
FAILURE = Call("fail_work", ("text", "text"), _failed)
