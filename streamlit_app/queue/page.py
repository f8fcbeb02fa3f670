"""The queue: jobs, what is with runners, what failed. Its parts refresh themselves and nothing else."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from runners.words import NOTHING, duration_text
from streamlit_app import director, hints
from streamlit_app.queue import charts, figures, queries
from streamlit_app.tables import table

JOBS_SECONDS = 3
MACHINERY_SECONDS = 10
JOBS = "jobs of the queue"
DEAD = "dead jobs"


def queue() -> None:
    st.title("Queue")
    director.note()
    _jobs()
    _machinery()


@st.fragment(run_every=JOBS_SECONDS)
def _jobs() -> None:
    with hints.explained():
        figures.health(queries.health())
        st.subheader("Open jobs")
        director.answer(JOBS)
        running = queries.open_jobs()
        for job in running:
            _job(job)
        if not running:
            st.info(
                "No job is open. Queue one on the page [New job](/new_job), or: backdesk queue FILE",
                icon=":material/inbox:",
            )


def _job(job: dict[str, Any]) -> None:
    number = job["job_id"]
    standing, first, second = st.columns([10, 2, 2], vertical_alignment="center")
    with standing:
        figures.progress(job)
    with first:
        if job["state"] == "paused":
            _button("Resume", "resume_job", number, ":material/play_arrow:")
        elif job["state"] != "held":
            _button("Pause", "pause_job", number, ":material/pause:")
    with second:
        _button(
            "Cancel", "cancel_job", number, ":material/cancel:",
            confirm=f"End job {number}? What is recorded stays; the rest is not run, and the job is over.",
        )  # fmt: skip


@st.fragment(run_every=MACHINERY_SECONDS)
def _machinery() -> None:
    with hints.explained():
        _timeline()
        left, right = st.columns(2)
        with left:
            st.subheader("The last hour")
            st.altair_chart(charts.throughput(queries.throughput()))
        with right:
            st.subheader("Open work items")
            states = queries.states()
            if states:
                st.dataframe(table(states, figures.STATES), hide_index=True)
            else:
                st.caption("Nothing is with runners, and nothing waits to be tried again.")
            _housekeeping()
        _runners()
        _failed()
        over = queries.closed_jobs()
        if over:
            st.subheader("Over")
            _table(table(over, figures.CLOSED), figures.CLOSED_COLUMNS)


def _timeline() -> None:
    jobs = queries.timeline()
    if jobs:
        st.subheader("Jobs of the last day")
        st.altair_chart(charts.timeline(jobs))


def _housekeeping() -> None:
    kept = queries.housekeeping()
    one, two = st.columns(2)
    age = kept["transaction_age"]
    one.metric("Oldest open transaction", duration_text(age))
    two.metric("Dead rows of the queue", f"{kept['dead_rows']:,}", help="What vacuum has yet to remove.")
    st.caption(figures.transaction_words(kept))
    for alert in queries.alerts():
        st.warning(figures.alert_words(alert), icon=":material/notification_important:")


def _runners() -> None:
    st.subheader("Runners")
    broken = queries.broken_files()
    if broken:
        st.warning("Files of strategies that cannot be loaded; all others run:", icon=":material/code_off:")
        _table(table(broken, figures.BROKEN_FILES), {})
    runners = queries.runners()
    if not runners:
        st.caption("No runner has ever come. Start one: backdesk work")
        return
    _table(table(runners, figures.RUNNERS), figures.RUNNER_COLUMNS)
    held = queries.held()
    if held:
        st.caption("What they hold:")
        _table(table(held, figures.HELD), figures.RUN_COLUMNS)


def _failed() -> None:
    waiting = queries.retries()
    if waiting:
        st.subheader("Waiting to be tried again")
        _table(table(waiting, figures.RETRIES), figures.RUN_COLUMNS)
    dead = queries.dead_jobs()
    director.answer(DEAD)
    if not dead:
        return
    st.subheader("Failed")
    st.caption("Jobs that failed, or of which points failed, in the last week.")
    for job in dead:
        _dead(job)
    failures = queries.failures()
    if failures:
        _table(table(failures, figures.FAILURES), figures.RUN_COLUMNS)


def _dead(job: dict[str, Any]) -> None:
    said, act = st.columns([12, 2], vertical_alignment="center")
    points = f"{job['failed'] or 0:,} of {job['total'] or 0:,} points failed"
    said.markdown(
        f"**{job['strategy'] or 'job'}** (job {job['job_id']}, {job['state']}): {job['error'] or points}"
    )
    if job["can_retry"]:
        with act:
            _button("Try again", "retry_job", job["job_id"], ":material/replay:", place=DEAD)
    elif job["advice"]:
        said.caption(job["advice"])


def _table(frame: pd.DataFrame, columns: dict[str, Any]) -> None:
    st.dataframe(frame, column_config=columns, hide_index=True, placeholder=NOTHING)


def _button(
    label: str, function: str, job: int, icon: str, *, place: str = JOBS, confirm: str | None = None
) -> None:
    director.button(
        label,
        f"select desk.{function}(%(job)s)",
        {"job": job},
        key=f"{function} {job}",
        place=place,
        icon=icon,
        confirm=confirm,
    )
