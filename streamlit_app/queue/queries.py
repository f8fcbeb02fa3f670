"""What the page of jobs reads."""

from __future__ import annotations

from typing import Any

from streamlit_app.database import rows

_COLUMNS = """
  job_id, state, strategy, config_file, total, finished, failed, passed, percent, eta,
  best_value, target_metric, summary, error, created_at, finished_at
"""


def health() -> dict[str, Any]:
    """How the queue stands."""
    return rows("select * from queue_health")[0]


def open_jobs(limit: int = 30) -> list[dict[str, Any]]:
    """Jobs that are not over: those that run first, then in the order in which they are served."""
    return rows(
        f"select {_COLUMNS} from job_progress where state in ('running', 'waiting', 'paused', 'held')"
        " order by state = 'running' desc, priority desc, job_id limit %(limit)s",
        {"limit": limit},
    )


def closed_jobs(limit: int = 20) -> list[dict[str, Any]]:
    """The jobs that were over last."""
    return rows(
        f"select {_COLUMNS} from job_progress where state in ('done', 'failed', 'cancelled')"
        " order by finished_at desc limit %(limit)s",
        {"limit": limit},
    )


def states() -> list[dict[str, Any]]:
    """Open work items by kind and state."""
    return rows(
        "select kind, state, items, points, retries, oldest_age from desk.queue_states"
        " order by kind, state desc"
    )


def throughput() -> list[dict[str, Any]]:
    """Points recorded in each of the last sixty minutes."""
    return rows("select minute, finished, failed from desk.throughput order by minute")


def runners(limit: int = 20) -> list[dict[str, Any]]:
    """Runners that are alive, and those that were heard of last."""
    return rows(
        "select id, host, pid, version, processes, alive, heartbeat_age, memory_mb, started_at, stopped_at"
        " from desk.runner_status order by alive desc, id desc limit %(limit)s",
        {"limit": limit},
    )


def failures(limit: int = 20) -> list[dict[str, Any]]:
    """Errors of runs that are open or were over in the last week, the newest first."""
    return rows(
        "select f.optimization_run_id, s.name as strategy, f.error_kind, f.error, f.points, f.last_at"
        " from desk.optimization_runs as r"
        " join desk.run_progress as g on g.optimization_run_id = r.id and g.failed > 0"
        " join desk.strategies as s on s.id = r.strategy_id"
        " join desk.run_failures as f on f.optimization_run_id = r.id"
        " where r.closed_at is null or r.closed_at > now() - interval '7 days'"
        " order by f.last_at desc limit %(limit)s",
        {"limit": limit},
    )
