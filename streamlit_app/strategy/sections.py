"""What else there is to see of a result, a section at a time: only the chosen one is read and drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from streamlit_app import hints
from streamlit_app.strategy.parameters import parameters
from streamlit_app.strategy.tearsheet import costs, periods, risk
from streamlit_app.strategy.trades import trades

SECTIONS: dict[str, Callable[[str, dict[str, Any]], None]] = {
    "Risk": lambda _, found: risk(found["id"]),
    "Periods": lambda _, found: periods(found["id"]),
    "Trades": lambda _, found: trades(found),
    "Parameters": parameters,
    "Costs": lambda _, found: costs(found),
}
DEFAULT = "Risk"
OF_THE_CURVE = ("Risk", "Periods")


@st.fragment
def sections(strategy: str, found: dict[str, Any], has_curve: bool) -> None:
    """Redrawn alone when another section is chosen, which the address keeps."""
    with hints.explained():
        chosen = st.segmented_control(
            "More of this result",
            list(SECTIONS),
            default=DEFAULT,
            required=True,
            key="more",
            bind="query-params",
        )
        if chosen in OF_THE_CURVE and not has_curve:
            st.caption("It is worked out from the curve, and none is stored of this result.")
        else:
            SECTIONS[chosen](strategy, found)
