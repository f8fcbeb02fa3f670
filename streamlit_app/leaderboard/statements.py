"""The board's statements with their values filled in: what is run is what a person can paste into psql."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg import sql

from streamlit_app.leaderboard.filters import Filters


def page(filters: Filters, size: int, number: int) -> sql.Composed:
    """One page of the board, in its order: first which results, then all that is known of these."""
    return sql.SQL(
        "select {before} + row_number() over () as rank, r.*\n"
        "from desk.board as r\n"
        "where r.backtest_result_id = any (array(\n{chosen}\n  limit {size} offset {before}\n))\n"
        "order by rank"
    ).format(chosen=_chosen(filters), size=size, before=(number - 1) * size)


def everything(filters: Filters) -> sql.Composed:
    """All that fits the filters, in the order of the board."""
    return sql.SQL(
        "select row_number() over () as rank, r.*\nfrom desk.board as r{where}\norder by rank"
    ).format(where=_fitting(filters))


def count(filters: Filters) -> sql.Composed:
    return sql.SQL("select count(*) from desk.ranked_results{where}").format(where=_fitting(filters))


def folds(filters: Filters, limit: int) -> sql.Composed:
    """Tested folds of walk-forwards that fit those filters which a fold can fit."""
    conditions = _of_strategy(filters, "strategy", "status") + _of_run(filters)
    return sql.SQL(
        "select strategy, optimization_run_id, fold, out_of_sample_result_id, in_sample_sharpe,"
        " out_of_sample_sharpe\nfrom desk.fold_sharpes{where}\n"
        "order by optimization_run_id desc, fold\nlimit {limit}"
    ).format(where=_where(conditions), limit=limit)


def _chosen(filters: Filters) -> sql.Composed:
    return sql.SQL("  select backtest_result_id\n  from desk.board{where}").format(
        where=_fitting(filters, "  ")
    )


def _fitting(filters: Filters, indent: str = "") -> sql.Composable:
    """Every result that fits, or of each strategy the best that does."""
    if filters.every_result:
        return _where(_of_strategy(filters, "strategy", "status") + _of_result(filters), indent)
    # By strategies, each two short walks down an index, since sorting every result takes longer: the best
    # passed, else the best.
    fitting = [sql.SQL("one.strategy_id = s.id"), *_of_result(filters)]
    best = sql.SQL(
        "backtest_result_id = any (array(\n"
        "    select coalesce(\n"
        "      (select backtest_result_id from desk.board as one{passed}\n      limit 1),\n"
        "      (select backtest_result_id from desk.board as one{any}\n      limit 1))\n"
        "    from desk.strategies as s{outer}\n  ))"
    ).format(
        passed=_where([*fitting, sql.SQL("one.passed")], "      "),
        any=_where(fitting, "      "),
        outer=_where(_of_strategy(filters, "s.name", "s.status"), "    "),
    )
    return _where([best], indent)


def _of_strategy(filters: Filters, name: str, status: str) -> list[sql.Composable]:
    wanted = ((name, filters.strategy), (status, filters.status))
    return [sql.SQL(column) + sql.SQL(" = ") + sql.Literal(value) for column, value in wanted if value]


def _of_run(filters: Filters) -> list[sql.Composable]:
    conditions: list[sql.Composable] = []
    if filters.run is not None:
        conditions.append(sql.SQL("optimization_run_id = {}").format(filters.run))
    if filters.symbol:
        conditions.append(sql.SQL("{} = any (symbols)").format(filters.symbol))
    if filters.window:
        first, last = (date.fromisoformat(word) for word in filters.window.split(" to "))
        conditions.append(
            sql.SQL("start_date = {} and end_date = {}").format(first.isoformat(), last.isoformat())
        )
    if filters.engine:
        conditions.append(sql.SQL("engine = {}").format(filters.engine))
    return conditions


def _of_result(filters: Filters) -> list[sql.Composable]:
    conditions = _of_run(filters)
    if filters.minimum_trades:
        conditions.append(sql.SQL("trades >= {}").format(filters.minimum_trades))
    if filters.survived:
        conditions.append(sql.SQL("survived"))
    elif filters.passed:
        conditions.append(sql.SQL("passed"))
    if filters.out_of_sample:
        conditions.append(sql.SQL("out_of_sample"))
    return conditions


def _where(conditions: Sequence[sql.Composable], indent: str = "") -> sql.Composable:
    if not conditions:
        return sql.SQL("")
    joint = sql.SQL(f"\n{indent}  and ")
    return sql.SQL(f"\n{indent}where ") + joint.join(conditions)
