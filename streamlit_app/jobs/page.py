"""The jobs: what runs, what waits, what was over last. Only the part that changes refreshes itself."""

from __future__ import annotations

import streamlit as st

from streamlit_app import hints
from streamlit_app.jobs import figures, queries

REFRESH_SECONDS = 3


def jobs() -> None:
    st.title("Jobs")
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
        if over:
            st.subheader("Over")
            st.dataframe(figures.closed(over), column_config=figures.CLOSED_COLUMNS, hide_index=True)
