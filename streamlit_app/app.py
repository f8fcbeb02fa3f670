"""Entry of the page: `backdesk app` runs it."""

import streamlit as st

from streamlit_app.leaderboard.page import leaderboard
from streamlit_app.monitor.page import monitor
from streamlit_app.new_job.page import new_job
from streamlit_app.queue.page import queue
from streamlit_app.run.page import run
from streamlit_app.strategy.page import strategy
from streamlit_app.walk_forward.page import walk_forward

st.set_page_config(page_title="Backdesk", layout="wide")
st.navigation(
    [
        st.Page(leaderboard, title="Leaderboard", icon=":material/leaderboard:", default=True),
        st.Page(strategy, title="Strategy", icon=":material/show_chart:"),
        st.Page(run, title="Run", icon=":material/grid_on:"),
        st.Page(walk_forward, title="Walk-forward", icon=":material/linear_scale:"),
        st.Page(queue, title="Queue", icon=":material/pending_actions:"),
        st.Page(new_job, title="New job", icon=":material/add_task:"),
        st.Page(monitor, title="Monitor", icon=":material/monitor_heart:"),
    ],
    position="top",
).run()
