"""`backdesk status`: how the queue stands, who works on it, and what to do next."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import psycopg
import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.live import Live
from rich.text import Text

from runners.cli.text_table import text_table
from runners.database.connection import connect
from runners.errors import DeskError
from runners.settings import Settings
from runners.words import duration_text

WATCH_SECONDS = 2.0

HEALTH = "select * from analytics.queue_health"
JOBS = """
select job_id::text as job, state, coalesce(strategy, '') as strategy,
       coalesce(finished || ' of ' || total, '') as points, coalesce(failed::text, '') as failed,
       coalesce(passed::text, '') as passed, coalesce(percent || ' %', '') as done,
       eta as "time left"
from desk.job_progress
where is_open
order by priority desc, job_id
limit 20
"""
RUNNERS = """
select id::text as runner, host, pid::text as pid, processes::text as processes,
       array_to_string(engines, ', ') as can, heartbeat_age as "heard of", memory_mb::text as mb
from desk.runner_status
where alive
order by id
limit 50
"""
BROKEN = """
select host, file, fault
from desk.broken_files
order by host, file
limit 20
"""
RECURRING = """
select name, every::text as every, coalesce(date_trunc('second', next_at)::text, '') as next,
       case when enabled then coalesce(last_note, '') else 'paused' end as note
from desk.recurring_jobs
order by next_at
limit 20
"""
DEAD = """
select r.job_id::text as job, f.points::text as points, f.error_kind as kind, f.error
from desk.optimization_runs as r
join desk.run_progress as p on p.optimization_run_id = r.id and p.failed > 0
cross join lateral (
  select b.error_kind, left(split_part(b.error, E'\\n', 1), 80) as error, count(*) as points
  from desk.backtest_results as b
  where b.optimization_run_id = r.id and b.outcome = 'failed'
  group by 1, 2
  order by 3 desc
  limit 3
) as f
where r.closed_at is null or r.closed_at > now() - interval '1 day'
order by r.id desc, f.points desc
limit 10
"""
FAILED = """
select id::text as job, coalesce(strategy, kind) as what, date_trunc('second', finished_at)::text as "when",
       split_part(error, E'\\n', 1) as error
from desk.jobs
where state = 'failed' and finished_at > now() - interval '1 day'
order by finished_at desc
limit 5
"""
CHORES = """
select name as chore, last_error as error
from desk.chores
where last_error is not null
order by name
"""
ALERTS = """
select date_trunc('second', happened_at)::text as "when", details ->> 'what' as what,
       concat_ws(', ', 'pid ' || (details ->> 'pid'), details ->> 'role', details ->> 'application',
                 details ->> 'state', 'open for ' || (details ->> 'age')) as details
from desk.job_events
where event = 'alert' and happened_at > now() - interval '1 day'
order by id desc
limit 5
"""


class NoViews(DeskError):
    """The views that the status is read from are not there."""


def register(app: typer.Typer) -> None:
    app.command("status", short_help="Show how the queue stands and what to do next.")(status)


def status(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it until Ctrl-C.")] = False,
) -> None:
    """Show what waits, runs and failed, how fast, the runners, and what to do next when something is wrong.

    Every figure is read from what anybody at psql may read, queue_health first of all.

    Examples:

      backdesk status

      backdesk status --watch
    """
    settings = Settings.from_environment()
    with connect("viewer", settings=settings) as viewer:
        if not watch:
            print(page(viewer))
            return
        with Live(console=Console(), auto_refresh=False, screen=True) as live:
            while True:
                live.update(Text(page(viewer)), refresh=True)
                time.sleep(WATCH_SECONDS)


def page(viewer: psycopg.Connection[Any]) -> str:
    """Everything as text."""
    try:
        (health,) = _rows(viewer, HEALTH)
    except psycopg.errors.UndefinedTable as error:
        raise NoViews("dbt's views are not built", hint="run `backdesk up`") from error
    parts = [f"next     {health['next_step']}", _figures(health)]
    for title, query, right in (
        ("jobs", JOBS, ("job", "points", "failed", "passed", "done", "time left")),
        ("runners", RUNNERS, ("runner", "pid", "processes", "heard of", "mb")),
        ("strategy files that cannot be loaded", BROKEN, ()),
        ("recurring jobs", RECURRING, ()),
        ("dead points of the last day", DEAD, ("job", "points")),
        ("failed jobs of the last day", FAILED, ("job",)),
        ("chores that failed", CHORES, ()),
        ("alerts of the last day", ALERTS, ()),
    ):
        rows = _rows(viewer, query)
        if rows:
            headings = list(rows[0])
            cells = [[_one_line(row[name]) for name in headings] for row in rows]
            parts.append(f"{title}\n{text_table(headings, cells, right=right)}")
    return "\n\n".join(parts)


def _figures(health: dict[str, Any]) -> str:
    lines = (
        ("points", f"{health['waiting_points']:,} waiting, {health['running_points']:,} with runners, "
                   f"{health['finished_points']:,} finished, {health['failed_points']:,} dead"),
        ("oldest", f"waiting for {duration_text(health['oldest_waiting_age'])}"),
        ("speed", f"{health['points_last_5_minutes']:,} points recorded in the last 5 minutes"),
        ("runners", f"{health['runners_alive']} alive"),
        ("oldest transaction", f"open for {duration_text(health['oldest_transaction_age'])}"),
    )  # fmt: skip
    return "\n".join(f"{name:<8} {text}" for name, text in lines)


def _one_line(value: object) -> str:
    """Texts come from configs and errors: none may break a line or move the cursor."""
    text = "" if value is None else duration_text(value) if isinstance(value, timedelta) else str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)[:120]


def _rows(viewer: psycopg.Connection[Any], query: str) -> Sequence[dict[str, Any]]:
    with viewer.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()
