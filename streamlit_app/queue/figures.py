"""Tables and words of the queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import streamlit as st

from runners.words import NOTHING, duration_text, moment
from streamlit_app import links
from streamlit_app.tables import Columns, Row, written

CLOSED_COLUMNS: dict[str, Any] = {
    "open": st.column_config.LinkColumn("open", display_text="run", width=50),
    "again": st.column_config.LinkColumn(
        "copy", display_text="copy", width=55, help="A new job like this one"
    ),
    "job": st.column_config.NumberColumn("job", format="%d", width=50),
    "outcome": st.column_config.TextColumn("outcome", width="large"),
}
RUN_COLUMNS: dict[str, Any] = {
    "open": st.column_config.LinkColumn("open", display_text="run", width=50),
    "error": st.column_config.TextColumn("error", width="large"),
    "failed of": st.column_config.TextColumn("failed of", width="large"),
}
RUNNER_COLUMNS: dict[str, Any] = {"memory (MB)": st.column_config.NumberColumn(format="%.0f")}


def health(figures: dict[str, Any]) -> None:
    """The queue in five numbers, each with the way to its rows, and what to do when something is wrong."""
    numbers = [
        ("Waiting points", f"{figures['waiting_points']:,}", "[by job](#open-jobs)"),
        ("Running points", f"{figures['running_points']:,}", "[by runner](#runners)"),
        ("Recorded in 5 minutes", f"{figures['points_last_5_minutes']:,}", "[by minute](#the-last-hour)"),
        ("Runners alive", f"{figures['runners_alive']:,}", "[each of them](#runners)"),
        ("Oldest waiting", duration_text(figures["oldest_waiting_age"]), "[by kind](#open-work-items)"),
    ]
    for column, (label, number, rows) in zip(st.columns(len(numbers)), numbers, strict=True):
        column.metric(label, number)
        column.caption(rows)
    step = figures["next_step"]
    if step.startswith("Nothing to do"):
        st.caption(step)
    else:
        st.warning(step, icon=":material/build:")


def progress(job: dict[str, Any]) -> None:
    """One open job: its name, its bar, its counts and the time left."""
    percent = float(job["percent"] or 0)
    name = f"**{job['strategy'] or 'job'}** (job {job['job_id']}, {job['state']})"
    if job["config_file"]:
        name += f" `{job['config_file']}`"
    if job["run_id"] is not None:
        name += f" · [its run]({links.run_url(job['run_id'], job['strategy'])})"
    counts = f"{(job['finished'] or 0) + (job['failed'] or 0):,} of {job['total'] or 0:,}"
    words = [f"{percent:.1f}%", counts, f"{job['passed'] or 0:,} passed"]
    if job["failed"]:
        words.append(f"{job['failed']:,} failed")
    if job["best_value"] is not None:
        words.append(f"best {str(job['target_metric']).replace('_', ' ')}: {job['best_value']:.2f}")
    if job["eta"] is not None:
        words.append(f"about {duration_text(job['eta'])} left")
    st.markdown(name)
    st.progress(min(percent / 100, 1.0), text=" · ".join(words))


def transaction_words(kept: dict[str, Any]) -> str:
    """What the age of the oldest transaction means, and whether the desk sees all of them."""
    limit = duration_text(kept["transaction_limit"])
    if not kept["sees_all"]:
        return (
            "The desk sees its own transactions only, not those of other logins. To see all, let an"
            " administrator of the server run: `grant pg_read_all_stats to desk_owner`"
        )
    if kept["transaction_age"] is None:
        return f"No transaction is open. One of {limit} is an alert: behind it no dead row can be removed."
    application = kept["transaction_application"] or "a session"
    who = f"{application} as {kept['transaction_role']}, {kept['transaction_state']}"
    if kept["transaction_age"] > kept["transaction_limit"]:
        return f"{who}: longer than {limit}. Behind it no dead row can be removed; end it where it was begun."
    return f"{who}. While it is open no row that died later can be removed; {limit} would be an alert."


def alert_words(alert: dict[str, Any]) -> str:
    details = dict(alert["details"])
    what = details.pop("what", "alert")
    told = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in details.items())
    return f"{moment(alert['happened_at'])}: {what} ({told})"


def _left(time: timedelta | None) -> str:
    if time is None:
        return NOTHING
    return duration_text(time) if time >= timedelta(0) else f"over for {duration_text(-time)}"


def _state(runner: Row) -> str:
    return "alive" if runner["alive"] else "stopped" if runner["stopped_at"] else "lost"


def _run(run: str) -> Callable[[Row], str | None]:
    """A link to the run that the column names."""
    return lambda row: None if row[run] is None else links.run_url(row[run], row["strategy"] or "")


CLOSED: Columns = {
    "open": _run("run_id"),
    "again": lambda job: f"/new_job?job={job['job_id']}" if job["run_id"] is not None else None,
    "job": "job_id",
    "state": "state",
    "strategy": "strategy",
    "config": "config_file",
    "outcome": lambda job: job["summary"] or job["error"] or "",
    "over": written("finished_at", moment),
}
STATES: Columns = {
    "kind": "kind",
    "state": "state",
    "items": "items",
    "points": "points",
    "retries": "retries",
    "oldest": written("oldest_age", duration_text),
}
HELD: Columns = {
    "open": _run("optimization_run_id"),
    "runner": "runner_id",
    "host": "host",
    "strategy": lambda one: one["strategy"] or one["kind"],
    "points left": "points",
    "now at point": "running_ordinal",
    "attempt": "attempt",
    "held for": written("held_for", duration_text),
    "lease ends in": written("lease_left", _left),
    "deadline in": written("deadline_left", _left),
}
RETRIES: Columns = {
    "open": _run("optimization_run_id"),
    "strategy": "strategy",
    "points": "points",
    "next attempt": "attempt",
    "not before": written("run_after", moment),
    "failed of": "last_error",
}
RUNNERS: Columns = {
    "runner": "id",
    "state": _state,
    "host": "host",
    "process": "pid",
    "heard of": lambda one: f"{duration_text(one['heartbeat_age'])} ago",
    "items": "items",
    "children": "processes",
    "memory (MB)": written("memory_mb", lambda memory: None if memory is None else float(memory)),
    "engines": written("engines", ", ".join),
    "version": "version",
    "started": written("started_at", moment),
}
BROKEN_FILES: Columns = {
    "host": "host",
    "file": "file",
    "why": "fault",
    "since": written("since", moment),
}
FAILURES: Columns = {
    "open": _run("optimization_run_id"),
    "strategy": "strategy",
    "points": "points",
    "kind": "error_kind",
    "error": "error",
    "last": written("last_at", moment),
}
