"""Monitor."""

import streamlit as st


def monitor() -> None:
    st.title("Monitor")
