"""The board's statements with their values filled in: what is run is what a person can paste into psql."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from psycopg import sql

from streamlit_app.leaderboard.filters import Filters

# In the words of the index that it is read from.
ORDER = "deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last, backtest_result_id"
# As in desk.funnel.
SURVIVED = "passed and deflated_sharpe_z >= 1.645"


def page(filters: Filters, size: int, number: int) -> sql.Composed:
    """One page of the board: first which results, then all that is known of these."""
    return sql.SQL(
        "select {before} + row_number() over ({over}) as rank, r.*\n"
        "from (\n{chosen}\n  order by {order}\n  limit {size} offset {before}\n) as page\n"
        "join desk.ranked_results as r using (backtest_result_id)\n"
        "order by rank"
    ).format(
        chosen=_chosen(filters),
        order=sql.SQL(ORDER),
        over=_order_of("r"),
        size=size,
        before=(number - 1) * size,
    )


def everything(filters: Filters) -> sql.Composed:
    """All that fits the filters, in the order of the board."""
    return sql.SQL(
        "select row_number() over ({over}) as rank, r.*\n"
        "from (\n{chosen}\n) as fitting\n"
        "join desk.ranked_results as r using (backtest_result_id)\n"
        "order by rank"
    ).format(chosen=_chosen(filters), over=_order_of("r"))


def count(filters: Filters) -> sql.Composed:
    if filters.every_result:
        where = _where(_of_strategy(filters, "strategy", "status") + _of_result(filters))
        return sql.SQL("select count(*) from desk.ranked_results{where}").format(where=where)
    return sql.SQL("select count(*) from (\n{chosen}\n) as fitting").format(chosen=_chosen(filters))


def folds(filters: Filters, limit: int) -> sql.Composed:
    """Tested folds of walk-forwards that fit those filters which a fold can fit."""
    conditions = _of_strategy(filters, "strategy", "status") + _of_run(filters)
    return sql.SQL(
        "select strategy, optimization_run_id, fold, out_of_sample_result_id, in_sample_sharpe,"
        " out_of_sample_sharpe\nfrom desk.fold_sharpes{where}\n"
        "order by optimization_run_id desc, fold\nlimit {limit}"
    ).format(where=_where(conditions), limit=limit)


def _chosen(filters: Filters) -> sql.Composed:
    """Every result that fits, or of each strategy the best that does."""
    if filters.every_result:
        where = _where(_of_strategy(filters, "strategy", "status") + _of_result(filters), "  ")
        return sql.SQL("  select backtest_result_id\n  from desk.ranked_results{where}").format(where=where)
    # By strategies, each a short walk down an index, since sorting every result takes longer.
    return sql.SQL(
        "  select best.*\n  from desk.strategies as s\n  cross join lateral (\n"
        "    select backtest_result_id, deflated_sharpe_z, passed, sharpe_ratio\n"
        "    from desk.ranked_results as one{inner}\n    order by {order}\n    limit 1\n  ) as best{outer}"
    ).format(
        inner=_where([sql.SQL("one.strategy_id = s.id"), *_of_result(filters)], "    "),
        outer=_where(_of_strategy(filters, "s.name", "s.status"), "  "),
        order=sql.SQL(ORDER),
    )


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
        conditions.append(sql.SQL(SURVIVED))
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


def _order_of(name: str) -> sql.SQL:
    return sql.SQL("order by " + ", ".join(f"{name}.{column}" for column in ORDER.split(", ")))
