"""How jobs are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from streamlit_app import links, palette
from streamlit_app.values import duration_text, moment

CLOSED_COLUMNS: dict[str, Any] = {
    "job_id": st.column_config.NumberColumn("job", format="%d", width=50),
    "state": st.column_config.TextColumn("state", width="small"),
    "strategy": st.column_config.TextColumn("strategy"),
    "config_file": st.column_config.TextColumn("config"),
    "outcome": st.column_config.TextColumn("outcome", width="large"),
    "finished_at": st.column_config.DatetimeColumn("finished (UTC)", format="YYYY-MM-DD HH:mm:ss"),
}


def health(figures: dict[str, Any]) -> None:
    """The queue in five numbers, and what to do when something is wrong."""
    numbers = {
        "Waiting points": f"{figures['waiting_points']:,}",
        "Running points": f"{figures['running_points']:,}",
        "Recorded in 5 minutes": f"{figures['points_last_5_minutes']:,}",
        "Runners alive": f"{figures['runners_alive']:,}",
        "Oldest waiting": duration_text(figures["oldest_waiting_age"]),
    }
    for column, (label, number) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
        column.metric(label, number)
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
    """Jobs that are over, as a data frame in the order of CLOSED_COLUMNS."""
    found = [{**job, "outcome": job["summary"] or job["error"] or ""} for job in jobs]
    return pd.DataFrame(found, columns=list(CLOSED_COLUMNS))


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


def throughput(minutes: Sequence[dict[str, Any]]) -> alt.Chart:
    """Points a minute over the last hour."""
    frame = pd.DataFrame(minutes).melt("minute", ["finished", "failed"], "outcome", "points")
    scale = alt.Scale(domain=["finished", "failed"], range=[palette.BLUE, palette.VERMILION])
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("utchoursminutes(minute):T", title="minute (UTC)", axis=alt.Axis(format="%H:%M")),
            y=alt.Y("points:Q", title="points a minute", axis=alt.Axis(tickMinStep=1, format="d")),
            color=alt.Color("outcome:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            tooltip=["minute:T", "outcome:N", "points:Q"],
        )
        .properties(height=260)
    )


def runners(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "runner": one["id"],
            "alive": one["alive"],
            "host": one["host"],
            "process": one["pid"],
            "heard of": f"{duration_text(one['heartbeat_age'])} ago",
            "children": one["processes"],
            "memory (MB)": None if one["memory_mb"] is None else float(one["memory_mb"]),
            "version": one["version"],
            "started": moment(one["started_at"]),
        }
        for one in found
    )


FAILURE_COLUMNS: dict[str, Any] = {
    "open": st.column_config.LinkColumn("open", display_text="run", width=50),
    "memory (MB)": st.column_config.NumberColumn(format="%.0f"),
}


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
