"""What the page of the queue reads."""

from __future__ import annotations

from typing import Any

from streamlit_app.database import rows

_COLUMNS = """
  p.job_id, p.state, p.strategy, p.config_file, p.priority, p.total, p.finished, p.failed, p.passed,
  p.percent, p.eta, p.best_value, p.target_metric, p.summary, p.error, p.created_at, p.started_at,
  p.finished_at, (select min(r.id) from desk.optimization_runs as r
   where r.job_id = p.job_id and r.role = 'search') as run_id
"""


def health() -> dict[str, Any]:
    """How the queue stands."""
    return rows("select * from queue_health")[0]


def open_jobs(limit: int = 30) -> list[dict[str, Any]]:
    """Jobs that are not over: those that run first, then in the order in which they are served."""
    return rows(
        f"select {_COLUMNS} from desk.job_progress as p"
        " where p.is_open"
        " order by p.state = 'running' desc, p.priority desc, p.job_id limit %(limit)s",
        {"limit": limit},
    )


def closed_jobs(limit: int = 20) -> list[dict[str, Any]]:
    """The jobs that were over last."""
    return rows(
        f"select {_COLUMNS} from desk.job_progress as p where not p.is_open"
        " order by p.finished_at desc limit %(limit)s",
        {"limit": limit},
    )


def dead_jobs(limit: int = 10) -> list[dict[str, Any]]:
    """Jobs of the last week that failed, or of which points failed, and what to do about each."""
    return rows(
        f"select {_COLUMNS}, p.advice, desk.can_retry(p.job_id) as can_retry from desk.job_progress as p"
        " where (p.state = 'failed' or p.failed > 0) and p.state <> 'cancelled'"
        " and (p.finished_at is null or p.finished_at > now() - interval '7 days')"
        " order by p.job_id desc limit %(limit)s",
        {"limit": limit},
    )


def timeline(limit: int = 25) -> list[dict[str, Any]]:
    """Jobs that are open or were over in the last day: when they waited, and when they ran."""
    return rows(
        "select p.job_id, coalesce(p.strategy, j.kind) as strategy, p.state, p.created_at, p.started_at,"
        " coalesce(p.finished_at, now()) as until, now() + p.eta as expected, p.finished, p.failed, p.total"
        " from desk.job_progress as p join desk.jobs as j on j.id = p.job_id"
        " where p.finished_at is null or p.finished_at > now() - interval '1 day'"
        " order by p.job_id desc limit %(limit)s",
        {"limit": limit},
    )


def states() -> list[dict[str, Any]]:
    """Open work items by kind and state."""
    return rows(
        "select kind, state, items, points, retries, oldest_age from desk.queue_states"
        " order by kind, state desc"
    )


def held(limit: int = 50) -> list[dict[str, Any]]:
    """Items that are with runners, the oldest first."""
    return rows(
        "select work_item_id, kind, job_id, optimization_run_id, strategy, runner_id, host, pid, attempt,"
        " points, running_ordinal, date_trunc('second', now() - leased_at) as held_for,"
        " date_trunc('second', lease_until - now()) as lease_left,"
        " date_trunc('second', deadline_at - now()) as deadline_left"
        " from desk.open_items where state = 'leased' order by leased_at, work_item_id limit %(limit)s",
        {"limit": limit},
    )


def retries(limit: int = 50) -> list[dict[str, Any]]:
    """Items that wait to be tried again, with what the attempt before failed of."""
    return rows(
        "select work_item_id, job_id, optimization_run_id, strategy, attempt, points, run_after, last_error"
        " from desk.open_items where state = 'waiting' and attempt > 1"
        " order by run_after, work_item_id limit %(limit)s",
        {"limit": limit},
    )


def throughput() -> list[dict[str, Any]]:
    """Points recorded in each of the last sixty minutes."""
    return rows("select minute, finished, failed from desk.throughput order by minute")


def runners(limit: int = 20) -> list[dict[str, Any]]:
    """Runners that are alive, and those that were heard of last."""
    return rows(
        "select s.id, s.host, s.pid, s.version, s.engines, s.processes, s.alive, s.heartbeat_age,"
        " s.memory_mb, s.started_at, s.stopped_at,"
        " (select count(*) from desk.work_items as w"
        "   where w.runner_id = s.id and w.state = 'leased') as items"
        " from desk.runner_status as s order by s.alive desc, s.id desc limit %(limit)s",
        {"limit": limit},
    )


def broken_files(limit: int = 20) -> list[dict[str, Any]]:
    """Files of strategies that a host has and cannot load."""
    return rows(
        "select host, file, fault, since from desk.broken_files order by host, file limit %(limit)s",
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


def housekeeping() -> dict[str, Any]:
    """The transaction that has been open for longest, and the queue's dead rows."""
    return rows("select * from desk.housekeeping()")[0]


def alerts(limit: int = 5) -> list[dict[str, Any]]:
    """Alerts of the last day, the newest first."""
    return rows(
        "select happened_at, details from desk.job_events"
        " where event = 'alert' and happened_at > now() - interval '1 day'"
        " order by happened_at desc limit %(limit)s",
        {"limit": limit},
    )
