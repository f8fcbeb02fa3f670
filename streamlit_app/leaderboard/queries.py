"""What the leaderboard reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql
from psycopg.rows import class_row, scalar_row

from runners import leaderboard
from runners.leaderboard import Entry
from streamlit_app.database import reading, rows
from streamlit_app.leaderboard import statements
from streamlit_app.leaderboard.filters import Filters

PAGE_SIZE = 50
# More dots than this on one picture are a cloud.
FOLDS = 2000


def searches() -> list[dict[str, Any]]:
    """What the searches with a finished result offer to the filters."""
    return rows(
        "select distinct s.name as strategy, s.status, r.symbols, r.start_date, r.end_date,"
        " coalesce(r.engine, s.engine) as engine"
        " from desk.optimization_runs as r"
        " join desk.run_progress as g on g.optimization_run_id = r.id"
        " join desk.strategies as s on s.id = r.strategy_id"
        " where r.role = 'search' and g.finished > 0"
    )


def results(filters: Filters, page: int) -> list[Entry]:
    """One page of the board."""
    with reading() as viewer, viewer.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(statements.page(filters, PAGE_SIZE, page)).fetchall()


def count(filters: Filters) -> int:
    """How many rows fit."""
    with reading() as viewer, viewer.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute(statements.count(filters)).fetchone() or 0)


def shown_sql(filters: Filters, page: int) -> str:
    """The statement of the page as a person would paste it."""
    with reading() as viewer:
        return statements.page(filters, PAGE_SIZE, page).as_string(viewer) + ";"


def comma_separated(filters: Filters) -> bytes:
    """Everything that fits, as PostgreSQL writes CSV: every column, every digit."""
    with reading() as viewer, viewer.cursor() as cursor:
        statement = sql.SQL("copy ({}) to stdout with (format csv, header)").format(
            statements.everything(filters)
        )
        with cursor.copy(statement) as parts:
            return b"".join(bytes(part) for part in parts)


def everything(filters: Filters) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of everything that fits."""
    with reading() as viewer, viewer.cursor() as cursor:
        found = cursor.execute(statements.everything(filters))
        return [column.name for column in found.description or []], found.fetchall()


def sparklines(ids: Sequence[int]) -> Mapping[int, list[float]]:
    """Stored curves in small, by result."""
    found = rows(
        "select backtest_result_id, equity from desk.result_sparklines(%(ids)s::bigint[])", {"ids": list(ids)}
    )
    return {row["backtest_result_id"]: row["equity"] for row in found}


def folds(filters: Filters) -> list[dict[str, Any]]:
    """Sharpe ratio in and out of sample, a row a tested fold."""
    with reading() as viewer:
        query = statements.folds(filters, FOLDS).as_string(viewer)
    return rows(query)


def of_all_tried() -> str:
    """What the board's first is worth among everything that this desk tried."""
    with reading() as viewer:
        return leaderboard.of_all_tried(viewer)


def funnel() -> list[dict[str, Any]]:
    """How many came how far."""
    return rows("select step, stage, strategies, results from desk.funnel order by step")


def named(ids: Sequence[int]) -> dict[int, Entry]:
    """Results by their number, whichever page they are on."""
    with reading() as viewer, viewer.cursor(row_factory=class_row(Entry)) as cursor:
        found = cursor.execute(
            "select 0 as rank, * from desk.ranked_results where backtest_result_id = any (%(ids)s::bigint[])",
            {"ids": list(ids)},
        ).fetchall()
    return {one.backtest_result_id: one for one in found}


def compared(ids: Sequence[int]) -> list[dict[str, Any]]:
    """What each of the results is and every metric that one of them has, in the order of `ids`."""
    return rows("select * from desk.compare_results(variadic %(results)s)", {"results": list(ids)})


def correlations(ids: Sequence[int]) -> list[dict[str, Any]]:
    """Correlation of daily returns, a row a pair."""
    return rows(
        "select result_id, other_id, sessions, correlation from desk.result_correlations(%(results)s)",
        {"results": list(ids)},
    )
