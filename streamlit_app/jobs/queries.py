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
