"""Entry of the page: `backdesk app` runs it."""

import streamlit as st

from streamlit_app.jobs.page import jobs
from streamlit_app.leaderboard.page import leaderboard

st.set_page_config(page_title="Backdesk", layout="wide")
st.navigation(
    [
        st.Page(leaderboard, title="Leaderboard", icon=":material/leaderboard:", default=True),
        st.Page(jobs, title="Jobs", icon=":material/pending_actions:"),
    ],
    position="top",
).run()
