"""The leaderboard: the best of what was tried, filtered by what stands in the address."""

from __future__ import annotations

import streamlit as st

from runners.leaderboard import comma_separated
from streamlit_app import hints
from streamlit_app.leaderboard import figures, queries
from streamlit_app.leaderboard.comparison import compare
from streamlit_app.leaderboard.queries import Filters


def leaderboard() -> None:
    st.title("Leaderboard")
    with hints.explained():
        standings = queries.standings()
        if not standings:
            hints.empty_desk()
            return
        filters = _filters(standings)
        _board(filters)


def _filters(standings: dict[str, str]) -> Filters:
    """Each widget is bound to the address, so that a view of the board is a link."""
    columns = st.columns([3, 2, 2, 2, 2], vertical_alignment="bottom")
    strategy = columns[0].selectbox(
        "Strategy", sorted(standings), index=None, placeholder="all", key="strategy", bind="query-params"
    )
    status = columns[1].selectbox(
        "Status",
        sorted(set(standings.values())),
        index=None,
        placeholder="all",
        key="status",
        bind="query-params",
    )
    minimum_trades = columns[2].number_input(
        "Minimum trades", min_value=0, step=10, key="trades", bind="query-params"
    )
    passed = columns[3].toggle("Only passed", key="passed", bind="query-params")
    every_result = columns[4].toggle("Every result", key="results", bind="query-params")
    return Filters(strategy, status, passed, int(minimum_trades), every_result)


def _board(filters: Filters) -> None:
    entries = queries.entries(filters)
    if not entries:
        st.info("Nothing on the board fits these filters.", icon=":material/filter_alt_off:")
        return
    st.dataframe(
        figures.table(entries),
        column_config=figures.COLUMNS,
        hide_index=True,
        height="content" if len(entries) <= 15 else 560,
    )
    shown = f"the first {len(entries)}" if len(entries) == queries.LIMIT else str(len(entries))
    st.caption(
        f"Showing {shown}, ranked by the deflated Sharpe ratio: what is left after the luck of the best of "
        "so many trials. Where it is not known yet, passed first and then by Sharpe ratio."
    )
    left, right = st.columns([1, 5], vertical_alignment="top")
    left.download_button(
        "CSV", comma_separated(entries), "leaderboard.csv", "text/csv", icon=":material/download:"
    )
    with right.expander("Show me the SQL"):
        st.code(filters.sql, language="sql")
    compare(entries)
    left, right = st.columns([2, 3])
    with left:
        st.subheader("How far they came")
        st.altair_chart(figures.funnel(queries.funnel()))
    chart = figures.return_and_drawdown(entries)
    if chart is not None:
        with right:
            st.subheader("Return against drawdown")
            st.altair_chart(chart)
