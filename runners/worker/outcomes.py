"""Outcomes as calls of the SQL API: one statement, however many outcomes it carries.

PostgreSQL begins when it has the whole statement. In a pipeline it would begin with the first outcome, and a
runner that is stopped before it has sent the last would keep a run's row locked for as long as it sleeps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import LiteralString

from psycopg.types.json import Jsonb

from runners.worker.array_images import Days, Doubles, Moments
from runners.worker.work_items import Report
from strategies.run_context import Row

HEAD = ("bigint", "uuid", "bigint")


@dataclass(frozen=True)
class Call:
    """A function that is called once an outcome, with the point's item, token and ordinal before the rest."""

    function: LiteralString
    types: tuple[LiteralString, ...]
    arguments: Callable[[Report], Sequence[object]]


def call(report: Report) -> Call:
    """The call that tells this outcome."""
    if report.rows is not None:
        return ROWS
    return FAILURE if report.result is None else RESULT


def in_one_statement(reports: Sequence[Report]) -> tuple[LiteralString, list[object]]:
    """A statement that answers a word a report, in their order, and its parameters, for a RawCursor."""
    first, *others = map(call, reports)
    if any(other is not first for other in others):
        raise ValueError("outcomes of several kinds are not one statement")
    values: list[object] = []
    for report in reports:
        item = report.item
        values += (item.work_item_id, item.token, report.ordinal, *first.arguments(report))
    return _statement(first.function, first.types, len(reports)), values


@lru_cache
def _statement(
    function: LiteralString, types: tuple[LiteralString, ...], count: int
) -> LiteralString:
    types = HEAD + types
    width = len(types)
    names = ", ".join([f"a{number}" for number in range(width)])
    rows = ", ".join([
        "(" + ", ".join([f"${width * row + place}::{name}" for place, name in enumerate(types, 1)]) + ")"
        for row in range(count)
    ])  # fmt: skip
    return f"select desk.{function}({names}) from (values {rows}) as given ({names})"


def _logged(report: Report) -> Sequence[object]:
    """By table; PostgreSQL's texts hold no NUL."""
    tables: dict[str, list[tuple[object, ...]]] = {}
    rows: Iterable[Row] = report.rows or ()
    for table, values in rows:
        tables.setdefault(table, []).append(values)
    return (json.dumps(tables, allow_nan=False).replace("\\u0000", "?"),)


def _failed(report: Report) -> Sequence[object]:
    return report.kind, report.error


def _finished(report: Report) -> Sequence[object]:
    result = report.result
    assert result is not None
    trades = result.trades
    return (
        Jsonb(result.metrics),
        Days(result.sessions),
        Doubles(result.equity),
        [trade.symbol for trade in trades],
        Moments([trade.entry_time for trade in trades]),
        Moments([trade.exit_time for trade in trades]),
        Doubles([trade.size for trade in trades]),
        Doubles([trade.entry_price for trade in trades]),
        Doubles([trade.exit_price for trade in trades]),
        Doubles([trade.profit for trade in trades]),
        Doubles([trade.fees for trade in trades]),
    )


ROWS = Call("record_session_rows", ("text::jsonb",), _logged)
FAILURE = Call("fail_work", ("text", "text"), _failed)
RESULT = Call(
    "complete_work",
    (
        "jsonb", "date[]", "float8[]", "text[]", "timestamptz[]", "timestamptz[]", "float8[]", "float8[]",
        "float8[]", "float8[]", "float8[]",
    ),
    _finished,
)  # fmt: skip
