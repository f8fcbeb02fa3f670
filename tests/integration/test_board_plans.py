"""The usual selects on the boards read a bounded number of pages, however many results there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streamlit_app.leaderboard import statements
from streamlit_app.leaderboard.filters import Filters
from testing import desks, many_results
from testing.desks import Desk

RESULTS = 100_000
STRATEGIES = 300


@pytest.fixture(scope="module")
def crowded(built_template: Desk) -> Iterator[Desk]:
    with desks.clone(built_template) as desk:
        with desk.connect("owner") as owner:
            many_results.fill(owner, RESULTS, STRATEGIES)
        yield desk


@pytest.mark.parametrize(
    ("query", "most_pages"),
    [
        ("select * from result_leaderboard limit 10", 300),
        ("select * from result_leaderboard where rank <= 10", 300),
        ("select * from result_leaderboard where passed limit 10", 5_000),
        ("select * from result_leaderboard where engine = 'lean' limit 10", 3_000),
        ("select * from result_leaderboard where start_date = '2010-01-01' limit 10", 300),
        ("select * from strategy_leaderboard limit 10", 15 * STRATEGIES),
        ("select * from fee_drag", 25 * STRATEGIES),
        ("select * from daily_summary", 300),
    ],
)
def test_pages_are_bounded(crowded: Desk, query: str, most_pages: int) -> None:
    with crowded.connect("viewer") as viewer:
        pages, _ = many_results.explained(viewer, query)
    assert pages <= most_pages


@pytest.mark.parametrize(
    ("filters", "most_pages"),
    [
        (Filters(every_result=True), 1_500),
        (Filters(every_result=True, passed=True), 5_000),
        (Filters(every_result=True, survived=True), 5_000),
        (Filters(), 15 * STRATEGIES),
    ],
)
def test_a_page_reads_little(crowded: Desk, filters: Filters, most_pages: int) -> None:
    with crowded.connect("viewer") as viewer:
        statement = statements.page(filters, 50, 1).as_string(viewer)
        pages, _ = many_results.explained(viewer, statement)
    assert pages <= most_pages


def test_the_boards_agree_at_this_size(crowded: Desk) -> None:
    with crowded.connect("viewer") as viewer:
        board = viewer.execute(
            "select strategy, deflated_sharpe_z from strategy_leaderboard limit 10"
        ).fetchall()
        top = viewer.execute("select max(deflated_sharpe_z) from result_leaderboard where passed").fetchone()
        days = viewer.execute("select sum(backtests_finished)::bigint from daily_summary").fetchone()
    assert board[0][1] == (top or [None])[0]
    assert days == (RESULTS,)


def test_folds_look_their_results_up(crowded: Desk) -> None:
    """Last, since it adds to the desk."""
    with crowded.connect("owner") as owner:
        many_results.add_series(owner)
    with crowded.connect("viewer") as viewer:
        pages, _ = many_results.explained(viewer, "select * from walk_forward_fold_summary")
    assert pages <= 2_000
