"""How jobs are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

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


def duration_text(duration: timedelta | None) -> str:
    """Days, hours, minutes and seconds, the two largest that count."""
    if duration is None:
        return "-"
    seconds = int(duration.total_seconds())
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
