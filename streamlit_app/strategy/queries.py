"""What the page of a strategy reads."""

from __future__ import annotations

from typing import Any

from streamlit_app.database import rows

RESULTS = 100


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


def results(name: str) -> list[dict[str, Any]]:
    """The strategy's best results by rank."""
    return rows(
        "select backtest_result_id, parameters, passed from analytics.result_leaderboard"
        f" where strategy = %(name)s order by deflated_sharpe_z desc nulls last, passed desc,"
        f" sharpe_ratio desc nulls last, backtest_result_id limit {RESULTS}",
        {"name": name},
    )


def result(name: str, result_id: int) -> dict[str, Any] | None:
    """One result with where it comes from; none where it is not of the strategy."""
    found = rows(
        """
        select b.id, b.parameters, b.outcome, b.error, b.passed, b.rejection_reasons, b.created_at,
          b.optimization_run_id, b.deflated_sharpe, b.sharpe_ratio, b.annual_return, b.max_drawdown,
          b.total_trades, b.fee_pct,
          b.engine, b.platform, b.seed, b.data_hash, b.provenance_hash, b.parameters_hash, b.runner_id,
          b.attempt, b.source_result_id, b.duration, c.code_hash, r.job_id, r.config_file, r.symbols,
          r.timeframe,
          r.start_date, r.end_date, r.settings_hash, r.best_on_edge, n.benchmark,
          (select p.verdict from desk.reproductions as p where p.backtest_result_id = b.id
           order by p.id desc limit 1) as reproduced
        from desk.backtest_results as b
        join desk.strategies as s on s.id = b.strategy_id
        join desk.optimization_runs as r on r.id = b.optimization_run_id
        left join desk.code_versions as c on c.id = b.code_version_id
        left join desk.run_benchmarks as n on n.optimization_run_id = r.id
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
        "select kind, period, start_date, end_date, complete, total_return, sharpe_ratio, max_drawdown"
        " from desk.result_periods where backtest_result_id = %(id)s order by kind, start_date",
        {"id": result_id},
    )


def costs(result_id: int) -> list[dict[str, Any]]:
    """What it would have been at multiples of its fees."""
    return rows(
        "select multiple, exact, total_fees, total_return, annual_return from desk.result_costs"
        " where backtest_result_id = %(id)s order by multiple",
        {"id": result_id},
    )


def trades(result_id: int) -> list[dict[str, Any]]:
    return rows(
        "select trade, symbol, entry_time, exit_time, size, entry_price, exit_price, profit, fees"
        " from desk.result_trades where backtest_result_id = %(id)s order by trade",
        {"id": result_id},
    )


def slices(run_id: int) -> list[dict[str, Any]]:
    """How the target did at each value of each parameter, over all others."""
    return rows(
        "select parameter, value, evaluations, passed, target_metric, mean_target, best_target, best_value,"
        " shape"
        " from analytics.parameter_sensitivity"
        " where optimization_run_id = %(id)s and parameter_values > 1",
        {"id": run_id},
    )
