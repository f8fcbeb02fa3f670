"""The chief figures of a page: in a row where there is room, below each other where there is not."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def tiles(numbers: Mapping[str, str], below: Mapping[str, str] | None = None) -> None:
    """A tile a figure, as wide as its text, so that none is cut; `below` has a line of Markdown for some."""
    with st.container(horizontal=True, gap="medium"):
        for label, value in numbers.items():
            with st.container(width="content", gap="small"):
                st.metric(label, value, width="content")
                if below and label in below:
                    st.caption(below[label], width="content")
