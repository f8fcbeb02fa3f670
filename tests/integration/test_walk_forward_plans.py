"""Windows of any walk-forward plan: no overlap, no gap, the embargo kept. And metrics of a stitched curve:
SQL computes them as the runners do."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runners.engines.base import Commission, RunSettings
from runners.engines.raw_metrics import block_sums, daily_returns, drawdown, loss, return_moments
from testing.desks import Desk

WINDOWS = "select * from desk.walk_forward_windows(%s, %s, %s, %s, %s, %s, %s, %s) order by fold"
CURVE = "select desk.curve_metrics(%s::date[], %s::float8[], %s, %s, %s, %s)"
FIRST = dt.date(2001, 1, 1)

Fold = tuple[int, dt.date, dt.date, dt.date, dt.date]


@pytest.fixture(scope="module")
def owner(desk: Desk) -> Iterator[psycopg.Connection[Any]]:
    with desk.connect("owner") as connection:
        yield connection


@st.composite
def calendars(draw: st.DrawFn) -> list[dt.date]:
    """Sessions with week-ends, holidays and holes as a market has them."""
    days = draw(st.integers(30, 1500))
    start = FIRST + dt.timedelta(draw(st.integers(0, 800)))
    every = [start + dt.timedelta(day) for day in range(days)]
    weekdays = draw(st.sampled_from([5, 7]))
    closed = draw(st.sets(st.integers(0, days - 1), max_size=40))
    return [day for number, day in enumerate(every) if day.weekday() < weekdays and number not in closed]


PLANS = st.tuples(
    st.sampled_from(["rolling", "anchored"]),
    st.sampled_from(["bars", "days", "months", "years"]),
    st.integers(1, 400),
    st.integers(1, 200),
    st.integers(0, 30),
)


def check(
    owner: psycopg.Connection[Any], sessions: list[dt.date], plan: tuple[str, str, int, int, int]
) -> int:
    mode, unit, inside, outside, embargo = plan
    if unit in ("months", "years"):
        inside, outside = 1 + inside % 24, 1 + outside % 12
    start, end = sessions[0], sessions[-1]
    folds: list[Fold] = owner.execute(
        WINDOWS, (sessions, start, end, mode, unit, inside, outside, embargo)
    ).fetchall()
    after = None
    for number, (fold, in_start, in_end, out_start, out_end) in enumerate(folds, start=1):
        assert fold == number
        assert start <= in_start
        assert out_start < out_end <= end + dt.timedelta(1)
        assert after is None or out_start == after, "no gap and no overlap between two tests"
        after = out_end
        if in_end is None:
            # More sessions are embargoed than lie before the test: the plan is refused.
            assert sum(day < out_start for day in sessions) < embargo
            continue
        assert in_end <= out_start, "no session is in sample and out of sample"
        between = sum(in_end <= day < out_start for day in sessions)
        assert between == embargo, "as many sessions as were asked for are in neither window"
        assert (in_end == out_start) == (embargo == 0)
        if mode == "anchored":
            assert in_start == start
        if unit == "bars":
            assert sum(out_start <= day < out_end for day in sessions) == outside
            if mode == "rolling":
                assert sum(in_start <= day < out_start for day in sessions) == inside
    if unit == "bars":
        assert len(folds) == max(0, (len(sessions) - inside) // outside)
    return len(folds)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sessions=calendars(), plan=PLANS)
def test_windows_neither_overlap_nor_leave_a_gap_and_keep_the_embargo(
    owner: psycopg.Connection[Any], sessions: list[dt.date], plan: tuple[str, str, int, int, int]
) -> None:
    if len(sessions) >= 2:
        check(owner, sessions, plan)


STEPS = st.lists(st.floats(-0.2, 0.2, allow_nan=False), min_size=0, max_size=300)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, blocks=st.sampled_from([1, 4, 16]), ruin=st.sampled_from([None, 3, 50]))
def test_a_curve_has_the_metrics_that_a_runner_computes(
    owner: psycopg.Connection[Any], steps: list[float], blocks: int, ruin: int | None
) -> None:
    cash, value, equity = 100_000.0, 100_000.0, []
    for number, step in enumerate(steps):
        value *= 1 + step
        equity.append(-1.0 if ruin is not None and number >= ruin else value)
    sessions = [FIRST + dt.timedelta(number) for number in range(len(equity))]
    end = FIRST + dt.timedelta(max(0, len(equity) - 1))
    row = owner.execute(CURVE, (sessions, equity, cash, FIRST, end, blocks)).fetchone()
    assert row is not None
    found = row[0]
    returns = daily_returns(cash, equity)
    window = RunSettings(
        1, "", "", "", (), "1d", FIRST, end, cash, Commission(), 0, 0, "", "", False, 1, 1, blocks
    )
    expected = {
        "starting_cash": cash,
        "ending_value": equity[-1] if equity else cash,
        "sessions": len(equity),
        **return_moments(returns),
        **drawdown(cash, equity),
        **block_sums(returns, sessions, window),
        **loss(sessions, equity),
    }
    assert set(found) == set(expected)
    for key, value_here in expected.items():
        here = value_here if isinstance(value_here, list) else [value_here]
        there = found[key] if isinstance(found[key], list) else [found[key]]
        for one, other in zip(here, there, strict=True):
            if key == "lost_on":
                assert one == other
                continue
            assert isinstance(one, int | float)
            assert math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12), (key, one, other)
