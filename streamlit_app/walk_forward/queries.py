"""What the page of walk-forwards reads."""

from __future__ import annotations

from typing import Any

from streamlit_app.database import rows


def walks(limit: int = 500) -> list[dict[str, Any]]:
    """Walk-forward runs, the newest first."""
    return rows(
        "select w.optimization_run_id, w.strategy, w.folds || ' folds' as optimization_type, w.symbols,"
        " (coalesce(r.closed_at, r.started_at) at time zone 'UTC')::date as day,"
        " case when w.passed then 'passed' when not w.passed then 'rejected' when r.is_open then 'open'"
        " else r.status end as verdict"
        " from analytics.walk_forward_summary as w"
        " join desk.optimization_runs as r on r.id = w.optimization_run_id"
        " order by w.optimization_run_id desc limit %(limit)s",
        {"limit": limit},
    )


def walk(run_id: int) -> dict[str, Any]:
    return rows(
        "select w.*, n.benchmark from analytics.walk_forward_summary as w"
        " left join desk.run_benchmarks as n on n.optimization_run_id = w.optimization_run_id"
        " where w.optimization_run_id = %(id)s",
        {"id": run_id},
    )[0]


def folds(run_id: int) -> list[dict[str, Any]]:
    return rows(
        "select * from analytics.walk_forward_fold_summary where optimization_run_id = %(id)s order by fold",
        {"id": run_id},
    )
