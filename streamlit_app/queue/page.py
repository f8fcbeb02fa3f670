"""The queue: what runs, what waits, who works on it, what failed. The part that changes refreshes itself."""

from __future__ import annotations

import streamlit as st

from streamlit_app import hints
from streamlit_app.queue import figures, queries

REFRESH_SECONDS = 3


def queue() -> None:
    st.title("Queue")
    _live()


@st.fragment(run_every=REFRESH_SECONDS)
def _live() -> None:
    with hints.explained():
        figures.health(queries.health())
        running, over = queries.open_jobs(), queries.closed_jobs()
        st.subheader("Open")
        for job in running:
            figures.progress(job)
        if not running:
            st.info("No job is open. Queue one: backdesk queue FILE", icon=":material/inbox:")
        _machinery()
        if over:
            st.subheader("Over")
            st.dataframe(figures.closed(over), column_config=figures.CLOSED_COLUMNS, hide_index=True)


def _machinery() -> None:
    left, right = st.columns(2)
    with left:
        st.subheader("The last hour")
        st.altair_chart(figures.throughput(queries.throughput()))
    with right:
        st.subheader("Work handed out")
        states = queries.states()
        if states:
            st.dataframe(figures.states(states), hide_index=True)
        else:
            st.caption("Nothing is with runners, and nothing waits to be tried again.")
    st.subheader("Runners")
    runners = queries.runners()
    if runners:
        st.dataframe(figures.runners(runners), hide_index=True)
    else:
        st.caption("No runner has ever come. Start one: backdesk work")
    failures = queries.failures()
    if failures:
        st.subheader("Points that failed")
        st.caption(
            "Of runs that are open, or were over in the last week. To try them again: select retry_job(JOB)"
        )
        st.dataframe(figures.failures(failures), column_config=figures.FAILURE_COLUMNS, hide_index=True)
