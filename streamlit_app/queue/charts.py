"""Charts of the queue: points a minute, and jobs as a timeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from runners.charts import curves, palette

STATE_COLORS = {
    "in line": "#B5B5B5",
    "running": palette.ORANGE,
    "still expected": "#F5D18A",
    "paused": palette.PURPLE,
    "held": palette.SKY,
    "done": palette.BLUE,
    "failed": palette.VERMILION,
    "cancelled": palette.GREY,
}
ROW_HEIGHT = 26
# Legend, axis and its title, which Streamlit counts as part of the height.
AROUND = 125


def throughput(minutes: Sequence[dict[str, Any]]) -> alt.Chart:
    """Points a minute over the last hour."""
    frame = pd.DataFrame(minutes).melt("minute", ["finished", "failed"], "outcome", "points")
    scale = alt.Scale(domain=["finished", "failed"], range=[palette.BLUE, palette.VERMILION])
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("utchoursminutes(minute):T", title="minute (UTC)", axis=alt.Axis(format="%H:%M")),
            y=alt.Y("points:Q", title="points a minute", axis=curves.counts()),
            color=alt.Color("outcome:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            tooltip=["utchoursminutes(minute):T", "outcome:N", "points:Q"],
        )
        .properties(height=260)
    )


def _format(length: dt.timedelta) -> str:
    """So fine that no two ticks say the same."""
    if length < dt.timedelta(minutes=15):
        return "%H:%M:%S"
    return "%H:%M" if length < dt.timedelta(days=1) else "%m-%d %H:%M"


def timeline(jobs: Sequence[dict[str, Any]]) -> alt.Chart:
    """A line a job: grey while it was in line, then colored by what became of it."""
    frame = pd.DataFrame([span for job in jobs for span in _spans(job)])
    domain = [state for state in STATE_COLORS if state in set(frame["what"])]
    scale = alt.Scale(domain=domain, range=[STATE_COLORS[state] for state in domain])
    order = [_label(job) for job in jobs]
    axis = alt.Axis(tickCount=8, labelOverlap=True, format=_format(frame["end"].max() - frame["begin"].min()))
    return (
        alt.Chart(frame)
        # The stroke shows what was over in less than a pixel.
        .mark_bar(cornerRadius=2, strokeWidth=2)
        .encode(
            x=alt.X("begin:T", title="time (UTC)", scale=alt.Scale(type="utc"), axis=axis),
            x2="end:T",
            y=alt.Y("job:N", title=None, sort=order, axis=alt.Axis(labelLimit=230, labelOverlap=False)),
            color=alt.Color("what:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            stroke=alt.Stroke("what:N", scale=scale, legend=None),
            tooltip=[
                alt.Tooltip("job:N"),
                alt.Tooltip("what:N"),
                alt.Tooltip("from:N"),
                alt.Tooltip("to:N"),
                alt.Tooltip("points:N", title="points recorded"),
            ],
        )
        .properties(height=len(jobs) * ROW_HEIGHT + AROUND)
    )


def _spans(job: dict[str, Any]) -> list[dict[str, Any]]:
    created, started, until = (_utc(job[name]) for name in ("created_at", "started_at", "until"))
    before = "in line" if started or job["state"] == "waiting" else job["state"]
    parts = [(before, created, started or until)]
    if started:
        parts.append((job["state"], started, until))
    if job["expected"] is not None:
        parts.append(("still expected", until, _utc(job["expected"])))
    recorded = f"{(job['finished'] or 0) + (job['failed'] or 0):,} of {job['total'] or 0:,}"
    return [
        {
            "job": _label(job), "what": what, "begin": begin, "end": end, "points": recorded,
            "from": f"{begin:%Y-%m-%d %H:%M:%S} UTC", "to": f"{end:%Y-%m-%d %H:%M:%S} UTC",
        }
        for what, begin, end in parts
        if end >= begin
    ]  # fmt: skip


def _utc(at: dt.datetime | None) -> Any:
    return None if at is None else at.astimezone(dt.UTC)


def _label(job: dict[str, Any]) -> str:
    return f"{job['job_id']} {job['strategy']}"
