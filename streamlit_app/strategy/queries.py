"""What the page of a strategy reads."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import streamlit as st

from runners.settings import Settings
from streamlit_app.database import rows

RESULTS = 100
TRADES = 1000
ROLLING_SESSIONS = 126
# A screen has fewer pixels than this; of longer windows a row stands for several bars.
PRICE_POINTS = 1500
MULTIPLES = [0.0, 0.5, 1.0, 2.0, 4.0]
REMEMBERED = timedelta(minutes=1)


def names() -> list[str]:
    """Strategies by rank; those without a result after them."""
    found = rows(
        "select s.name from desk.strategies as s"
        " left join analytics.strategy_leaderboard as b on b.strategy = s.name order by b.rank, s.name"
    )
    return [row["name"] for row in found]


def strategy(name: str) -> dict[str, Any]:
    return rows(
        "select id, code, name, title, hypothesis, status, reason, notes, tags"
        " from desk.strategies where name = %(name)s",
        {"name": name},
    )[0]


def events(strategy_id: int) -> list[dict[str, Any]]:
    """History of the status, the newest first."""
    return rows(
        "select happened_at, from_status, to_status, reason, optimization_run_id, actor"
        " from desk.strategy_events where strategy_id = %(id)s order by id desc limit 50",
        {"id": strategy_id},
    )


def results(strategy_id: int) -> list[dict[str, Any]]:
    """The strategy's best results by rank."""
    return rows(
        f"select backtest_result_id from desk.board where strategy_id = %(id)s limit {RESULTS}",
        {"id": strategy_id},
    )


def result(name: str, result_id: int) -> dict[str, Any] | None:
    """One result with where it comes from; none where it is not of the strategy."""
    found = rows(
        """
        select b.id, b.parameters, b.outcome, b.error, b.passed, b.rejection_reasons, b.created_at,
          b.optimization_run_id, b.deflated_sharpe, b.sharpe_ratio, b.annual_return, b.max_drawdown,
          b.total_trades, b.fee_pct, desk.break_even_fee(b.id) as break_even_fee,
          coalesce(b.engine, r.engine) as engine, b.platform, b.seed, b.data_hash, b.provenance_hash,
          b.parameters_hash, b.runner_id,
          b.attempt, b.source_result_id, b.duration, c.code_hash, r.job_id, r.config_file, r.symbols,
          r.timeframe, r.imported, r.optimization_type = 'Walk-Forward' as stitched,
          r.start_date, r.end_date, b.sessions_a_year, r.settings_hash, r.best_on_edge,
          n.benchmark, u.version as desk_version, c.details -> 'libraries' as libraries,
          best.parameters as best_parameters,
          coalesce(g.finished + g.failed, 0) as recorded,
          (select p.verdict from desk.reproductions as p where p.backtest_result_id = b.id
           order by p.id desc limit 1) as reproduced
        from desk.backtest_results as b
        join desk.strategies as s on s.id = b.strategy_id
        join desk.optimization_runs as r on r.id = b.optimization_run_id
        left join desk.code_versions as c on c.id = b.code_version_id
        left join desk.run_benchmarks as n on n.optimization_run_id = r.id
        left join desk.runners as u on u.id = b.runner_id
        left join desk.run_progress as g on g.optimization_run_id = r.id
        left join desk.backtest_results as best on best.id = g.best_result_id
        where b.id = %(id)s and s.name = %(name)s
        """,
        {"id": result_id, "name": name},
    )
    return found[0] if found else None


def checks(result_id: int) -> list[dict[str, Any]]:
    return rows("select * from desk.result_checks(%(id)s)", {"id": result_id})


def months(result_id: int) -> list[dict[str, Any]]:
    return rows("select year, month, total_return from desk.result_months(%(id)s)", {"id": result_id})


def periods(result_id: int) -> list[dict[str, Any]]:
    """Calendar years and crises."""
    return rows(
        "select kind, period, start_date, end_date, sessions, complete, total_return, sharpe_ratio,"
        " max_drawdown"
        " from desk.result_periods where backtest_result_id = %(id)s order by kind, start_date",
        {"id": result_id},
    )


def drawdowns(result_id: int) -> list[dict[str, Any]]:
    """The ten deepest falls."""
    return rows("select * from desk.result_drawdowns(%(id)s)", {"id": result_id})


def rolling_sharpe(result_id: int) -> list[dict[str, Any]]:
    """A row a session that has half a year behind it."""
    return rows(
        "select p.session, p.sharpe_ratio from desk.equity_curves as e"
        " join desk.backtest_results as b on b.id = e.backtest_result_id"
        " cross join lateral desk.rolling_sharpe(e.sessions, e.equity, b.starting_cash, %(window)s,"
        " b.sessions_a_year) as p"
        " where e.backtest_result_id = %(id)s order by p.session",
        {"id": result_id, "window": ROLLING_SESSIONS},
    )


def costs(result_id: int, farthest: float | None) -> list[dict[str, Any]]:
    """What it would have been at multiples of its fees; no row where no trades are stored."""
    beyond = [] if farthest is None else [farthest * step / 8 for step in range(1, 9)]
    return rows(
        "select multiple, exact, total_fees, total_return, annual_return"
        " from desk.cost_sweep(%(id)s, %(multiples)s) order by multiple",
        {"id": result_id, "multiples": [*MULTIPLES, *(one for one in beyond if one > MULTIPLES[-1])]},
    )


def break_even(result_id: int) -> float | None:
    """At how many times its fees nothing is left; none where that is unknown."""
    found = rows("select desk.fee_break_even(%(id)s) as multiple", {"id": result_id})[0]
    multiple: float | None = found["multiple"]
    return multiple


def traded(result_id: int) -> list[dict[str, Any]]:
    """How many trades are stored of each symbol, the most traded first."""
    return rows(
        "select t.symbol, count(*) as trades from desk.result_trades as t"
        " where t.backtest_result_id = %(id)s group by t.symbol order by trades desc, t.symbol",
        {"id": result_id},
    )


def account_rules(result_id: int) -> list[dict[str, Any]]:
    """How many of its trades a small account's rules would have kept from it, a row a rule."""
    return rows("select rule, broken, trades from desk.result_account_rules(%(id)s)", {"id": result_id})


def trades(result_id: int, page: int) -> list[dict[str, Any]]:
    """A page of the trades, with how far each went against and for its holder."""
    return rows(
        "select * from desk.result_excursions(%(id)s, %(size)s, %(before)s)",
        {"id": result_id, "size": TRADES, "before": (page - 1) * TRADES},
    )


def prices(result_id: int, symbol: str, first: date | None, last: date | None) -> list[dict[str, Any]]:
    """Adjusted prices of the run's pinned version, in a part of its window."""
    return rows(
        "select * from desk.result_prices(%(id)s, %(symbol)s, %(first)s, %(last)s, %(points)s)",
        {"id": result_id, "symbol": symbol, "first": first, "last": last, "points": PRICE_POINTS},
    )


def instruments(run_id: int) -> dict[str, dict[str, Any]]:
    """Symbols whose prices the run is pinned to."""
    found = rows(
        "select i.symbol, i.currency, i.closes_only from desk.run_symbols as s"
        " join desk.instruments as i on i.id = s.instrument_id"
        " where s.optimization_run_id = %(id)s order by s.position",
        {"id": run_id},
    )
    return {row["symbol"]: row for row in found}


def slices(run_id: int, recorded: int) -> list[dict[str, Any]]:
    """How the target did at each value of each parameter, over all others."""
    return _slices(Settings.from_environment(), run_id, recorded)


def target_map(run_id: int, recorded: int, x: str, y: str) -> list[dict[str, Any]]:
    """The target over two parameters, a row a cell."""
    return _target_map(Settings.from_environment(), run_id, recorded, x, y)


# These two read every point of a run, and are the same for each of its results: who looks at one after the
# other waits once. `recorded` is how many points there are, so that a run that goes on is read anew.
@st.cache_data(ttl=REMEMBERED, max_entries=50, show_spinner=False)
def _slices(desk: Settings, run_id: int, recorded: int) -> list[dict[str, Any]]:
    return rows(
        "select parameter, value, evaluations, passed, target_metric, mean_target, best_target, best_value,"
        " spread, shape"
        " from analytics.parameter_sensitivity"
        " where optimization_run_id = %(id)s and parameter_values > 1",
        {"id": run_id},
    )


@st.cache_data(ttl=REMEMBERED, max_entries=50, show_spinner=False)
def _target_map(desk: Settings, run_id: int, recorded: int, x: str, y: str) -> list[dict[str, Any]]:
    return rows("select * from desk.target_map(%(id)s, %(x)s, %(y)s)", {"id": run_id, "x": x, "y": y})
