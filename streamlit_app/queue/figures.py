"""Tables and words of the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from runners.words import NOTHING, duration_text, moment
from streamlit_app import links

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


def closed(jobs: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Jobs that are over."""
    return pd.DataFrame(
        {
            "open": _run_link(job["run_id"], job["strategy"]),
            "again": f"/new_job?job={job['job_id']}" if job["run_id"] is not None else None,
            "job": job["job_id"],
            "state": job["state"],
            "strategy": job["strategy"],
            "config": job["config_file"],
            "outcome": job["summary"] or job["error"] or "",
            "over": moment(job["finished_at"]),
        }
        for job in jobs
    )


def states(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": one["kind"],
            "state": one["state"],
            "items": one["items"],
            "points": one["points"],
            "retries": one["retries"],
            "oldest": duration_text(one["oldest_age"]),
        }
        for one in found
    )


def held(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "open": _run_link(one["optimization_run_id"], one["strategy"]),
            "runner": one["runner_id"],
            "host": one["host"],
            "strategy": one["strategy"] or one["kind"],
            "points left": one["points"],
            "now at point": one["running_ordinal"],
            "attempt": one["attempt"],
            "held for": duration_text(one["held_for"]),
            "lease ends in": _left(one["lease_left"]),
            "deadline in": _left(one["deadline_left"]),
        }
        for one in found
    )


def retries(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "open": _run_link(one["optimization_run_id"], one["strategy"]),
            "strategy": one["strategy"],
            "points": one["points"],
            "next attempt": one["attempt"],
            "not before": moment(one["run_after"]),
            "failed of": one["last_error"],
        }
        for one in found
    )


def runners(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "runner": one["id"],
            "state": "alive" if one["alive"] else "stopped" if one["stopped_at"] else "lost",
            "host": one["host"],
            "process": one["pid"],
            "heard of": f"{duration_text(one['heartbeat_age'])} ago",
            "items": one["items"],
            "children": one["processes"],
            "memory (MB)": None if one["memory_mb"] is None else float(one["memory_mb"]),
            "engines": ", ".join(one["engines"]),
            "version": one["version"],
            "started": moment(one["started_at"]),
        }
        for one in found
    )


def failures(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "open": links.run_url(one["optimization_run_id"], one["strategy"]),
            "strategy": one["strategy"],
            "points": one["points"],
            "kind": one["error_kind"],
            "error": one["error"],
            "last": moment(one["last_at"]),
        }
        for one in found
    )


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


def _run_link(run: int | None, strategy: str | None) -> str | None:
    return None if run is None else links.run_url(run, strategy or "")
