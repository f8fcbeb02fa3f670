"""PostgreSQL reads what children and workers make of a finished point."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runners.engines.base import ClosedTrade, MetricValue, PointResult
from runners.worker.outcomes import Outcomes, in_one_statement
from runners.worker.result_image import outcomes_image, result_image
from runners.worker.work_items import Report, WorkItem
from testing.desks import Desk

COLUMNS = (
    "work_item_id, token, ordinal, metrics, sessions, equity, trade_symbols, trade_entry_times,"
    " trade_exit_times, trade_sizes, trade_entry_prices, trade_exit_prices, trade_profits, trade_fees"
)
FLOATS = st.floats(allow_nan=False)
BIG = st.integers(-(2**63), 2**63 - 1)
# What PostgreSQL has, and Python as well.
DAYS = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
MOMENTS = st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29), timezones=st.just(dt.UTC))
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
TRADES = st.builds(ClosedTrade, TEXTS, MOMENTS, MOMENTS, *[FLOATS] * 5)
# A larger float without a fraction comes back as the integer of its digits.
METRICS = st.dictionaries(TEXTS, st.one_of(st.floats(-1e15, 1e15), BIG, TEXTS))
RESULTS = st.builds(
    PointResult, BIG, METRICS, st.lists(DAYS), st.lists(FLOATS), st.lists(TRADES, max_size=4)
)
CLAIMED = st.lists(st.tuples(BIG, st.uuids(), RESULTS), max_size=4)


@pytest.fixture(scope="module")
def owner(desk: Desk) -> Iterator[psycopg.Connection[Any]]:
    with desk.connect("owner") as connection:
        connection.execute("set time zone 'UTC'")
        yield connection


def outcome_type(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select 'desk.point_outcome'::regtype::oid::bigint").fetchone()
    assert row is not None
    return int(row[0])


def columns(item: int, token: uuid.UUID, result: PointResult) -> tuple[object, ...]:
    trades = result.trades
    return (
        item, token, result.ordinal, result.metrics, result.sessions, result.equity,
        [trade.symbol for trade in trades], [trade.entry_time for trade in trades],
        [trade.exit_time for trade in trades], [trade.size for trade in trades],
        [trade.entry_price for trade in trades], [trade.exit_price for trade in trades],
        [trade.profit for trade in trades], [trade.fees for trade in trades],
    )  # fmt: skip


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(claimed=CLAIMED)
def test_every_value_arrives(
    owner: psycopg.Connection[Any], claimed: list[tuple[int, uuid.UUID, PointResult]]
) -> None:
    images = [(item, token, result_image(result)) for item, token, result in claimed]
    with psycopg.RawCursor(owner) as cursor:
        found = cursor.execute(
            f"select {COLUMNS} from unnest($1::desk.point_outcome[])",
            [Outcomes(outcomes_image(outcome_type(owner), images))],
        ).fetchall()
    assert found == [columns(*one) for one in claimed]


def test_a_finished_point_that_nobody_holds_is_stale(owner: psycopg.Connection[Any]) -> None:
    item = WorkItem(1 << 40, uuid.uuid4(), 1, 1, ())
    metrics: dict[str, MetricValue] = {"total_orders": 1, "ending_value": math.pi}
    reports = [
        Report(item, ordinal, image=result_image(PointResult(ordinal, metrics, [], [], [])))
        for ordinal in (1, 2)
    ]
    with psycopg.RawCursor(owner) as cursor:
        words = cursor.execute(*in_one_statement(reports, outcome_type(owner))).fetchall()
    assert words == [("stale",), ("stale",)]
