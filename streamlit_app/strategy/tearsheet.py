"""The curve of a result: against its benchmark, below its peak, by period, and under other fees."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from runners.charts.periods import months, years
from streamlit_app import curves
from streamlit_app.strategy import figures, queries

BESIDE = ("beside the benchmark", "over the benchmark")


def tearsheet(found: dict[str, Any]) -> bool:
    """Whether there is a curve to draw."""
    st.subheader("Equity and drawdown")
    frame = curves.curve(found["id"])
    if frame.empty:
        st.info(
            "No curve is stored of this result: by keep_series a run keeps those of passed results, of the "
            "best, or of all.",
            icon=":material/show_chart:",
        )
        return False
    st.caption(_benchmark(found))
    _equity(found["id"], frame)
    return True


@st.fragment
def _equity(result_id: int, frame: pd.DataFrame) -> None:
    """Redrawn alone when another axis or part of the time is chosen."""
    relative = False
    with st.container(horizontal=True):
        log = curves.logarithmic([frame], "axis")
        if frame["benchmark_return"].notna().any():
            shown = st.segmented_control(
                "Shown", BESIDE, default=BESIDE[0], required=True, key="shown", bind="query-params",
                help="Over: what it gained while the benchmark is taken as standing still.",
            )  # fmt: skip
            relative = shown == BESIDE[1]
    # What was chosen is known before the strip is drawn below the charts.
    key = f"window_{result_id}"
    first, last = curves.part(
        st.session_state.get(key), frame["session"].iloc[0], frame["session"].iloc[-1]
    )
    for chart in curves.equity_and_drawdown(curves.within(frame, first, last), log=log, relative=relative):
        st.altair_chart(chart)
    st.altair_chart(curves.strip(frame), on_select="rerun", key=key)
    st.caption(
        f"Shown: {first} to {last}. Draw over the strip to see a part of it, from its own start on; a click "
        "beside it shows all."
    )


def _benchmark(found: dict[str, Any]) -> str:
    if found["benchmark"] == "buy and hold":
        return f"Benchmark: buy and hold of {' '.join(found['symbols'])}, equal money in each, without fees."
    if found["benchmark"]:
        return f"Benchmark: {found['benchmark']}, held without fees."
    return "There is no benchmark: its run has no prices of the desk's to compare with."


def risk(result_id: int) -> None:
    """How it did over half a year at a time, and how it fell."""
    left, right = st.columns(2)
    with left:
        st.subheader("Rolling Sharpe ratio")
        rolling = queries.rolling_sharpe(result_id)
        if rolling:
            st.caption(f"Of the {queries.ROLLING_SESSIONS} sessions before each, half a year, annualized.")
            st.altair_chart(curves.rolling_sharpe(rolling))
        else:
            st.caption(f"The curve is shorter than {queries.ROLLING_SESSIONS} sessions.")
    with right:
        st.subheader("Worst drawdowns")
        falls = queries.drawdowns(result_id)
        if falls:
            st.caption("Sessions below the peak, and those down to the trough.")
            st.dataframe(figures.drawdowns(falls), hide_index=True, height="content")
        else:
            st.caption("It was never below a peak.")


def periods(result_id: int) -> None:
    """By month, by year and in crises."""
    st.subheader("Months")
    st.altair_chart(months(queries.months(result_id)))
    found = queries.periods(result_id)
    by_year = [one | {"year": one["period"]} for one in found if one["kind"] == "year"]
    crises = [one for one in found if one["kind"] == "crisis"]
    left, right = st.columns(2)
    with left:
        st.subheader("Years")
        st.altair_chart(years(by_year))
    with right:
        st.subheader("Year by year")
        st.dataframe(
            figures.periods(by_year), hide_index=True, height="content" if len(by_year) <= 15 else 560
        )
    st.subheader("Crises")
    if crises:
        st.dataframe(figures.periods(crises), hide_index=True, height="content")
    else:
        st.caption("None of the windows of desk.crisis_windows is on its curve.")


def costs(found: dict[str, Any]) -> None:
    """What other fees would have left."""
    st.subheader("Had fees been different")
    break_even = queries.break_even(found["id"])
    sweep = queries.costs(found["id"], figures.drawn_break_even(break_even))
    if not sweep:
        st.caption("It is worked out from the trades, and none are stored of this result.")
        return
    left, right = st.columns([3, 2])
    with left:
        st.altair_chart(figures.fees(sweep, break_even))
    with right:
        st.markdown(figures.fee_words(sweep, break_even, found["break_even_fee"]))
        if not all(one["exact"] for one in sweep):
            st.caption("An approximation: sizes follow equity, which other fees would have changed.")
