"""New job."""

import streamlit as st


def new_job() -> None:
    st.title("New job")
