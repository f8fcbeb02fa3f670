"""Entry of the page: `backdesk app` runs it."""

from pathlib import Path

import streamlit as st

from streamlit_app.leaderboard.page import leaderboard
from streamlit_app.live.page import live
from streamlit_app.monitor.page import monitor
from streamlit_app.new_job.page import new_job
from streamlit_app.queue.page import queue
from streamlit_app.run.page import run
from streamlit_app.strategy.page import strategy
from streamlit_app.walk_forward.page import walk_forward

# An icon of its own: that of a st.Page would be fetched from somebody else's server by every browser.
st.set_page_config(page_title="Backdesk", page_icon=Path(__file__).with_name("icon.svg"), layout="wide")
st.navigation(
    [
        st.Page(leaderboard, title="Leaderboard", icon=":material/leaderboard:", default=True),
        st.Page(strategy, title="Strategy", icon=":material/show_chart:"),
        st.Page(run, title="Run", icon=":material/grid_on:"),
        st.Page(walk_forward, title="Walk-forward", icon=":material/linear_scale:"),
        st.Page(queue, title="Queue", icon=":material/pending_actions:"),
        st.Page(new_job, title="New job", icon=":material/add_task:"),
        st.Page(live, title="Live", icon=":material/sensors:"),
        st.Page(monitor, title="Monitor", icon=":material/monitor_heart:"),
    ],
    position="top",
).run()
