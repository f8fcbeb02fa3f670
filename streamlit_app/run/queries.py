"""What the page of a run reads."""

from __future__ import annotations

from typing import Any

from streamlit_app.database import rows

RUNS = 500
# More points than a screen has pixels tell nothing: of long runs every so many, and every improvement.
POINTS = 3000


def runs() -> list[dict[str, Any]]:
    """Searches, the newest first; the parts of a walk-forward are on its own page."""
    return rows(
        "select optimization_run_id, strategy from analytics.optimization_summary"
        f" where role = 'search' order by optimization_run_id desc limit {RUNS}"
    )


def run(run_id: int) -> dict[str, Any] | None:
    found = rows(
        "select o.*, j.eta, j.state as job_state, x.pbo, x.family_trials"
        " from analytics.optimization_summary as o"
        " left join desk.job_progress as j on j.job_id = o.job_id"
        " left join desk.run_statistics as x on x.optimization_run_id = o.optimization_run_id"
        " where o.optimization_run_id = %(id)s",
        {"id": run_id},
    )
    return found[0] if found else None


def progress(run_id: int) -> list[dict[str, Any]]:
    """Points in the order of recording, with the best so far."""
    return rows(
        "select evaluation, backtest_result_id, outcome, passed, target_metric, target_value, best_so_far,"
        " improved"
        " from analytics.search_progress"
        " where optimization_run_id = %(id)s and (improved or evaluation %% ("
        "   select 1 + (g.finished + g.failed) / %(points)s from desk.run_progress as g"
        "   where g.optimization_run_id = %(id)s) = 0)"
        " order by evaluation",
        {"id": run_id, "points": POINTS},
    )


def rejections(run_id: int) -> list[dict[str, Any]]:
    return rows(
        "select reason, rejected from desk.run_rejections where optimization_run_id = %(id)s"
        " order by rejected desc, reason",
        {"id": run_id},
    )


def failures(run_id: int) -> list[dict[str, Any]]:
    return rows(
        "select error_kind, error, points, first_result_id, last_at from desk.run_failures"
        " where optimization_run_id = %(id)s order by points desc, error limit 50",
        {"id": run_id},
    )


def best(run_id: int) -> list[dict[str, Any]]:
    """The run's first ten on the board."""
    return rows(
        "select backtest_result_id, strategy, passed, deflated_sharpe, sharpe_ratio, annual_return,"
        " max_drawdown, trades, parameters from analytics.result_leaderboard"
        " where optimization_run_id = %(id)s"
        " order by deflated_sharpe_z desc nulls last, passed desc, sharpe_ratio desc nulls last,"
        " backtest_result_id limit 10",
        {"id": run_id},
    )
