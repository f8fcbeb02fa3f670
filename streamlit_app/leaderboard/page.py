"""The leaderboard: the best of what was tried, filtered by what stands in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from runners.leaderboard import Entry
from runners.words import NOTHING
from streamlit_app import exports, hints
from streamlit_app.leaderboard import comparison, figures, filters, queries
from streamlit_app.leaderboard.filters import Filters
from streamlit_app.leaderboard.queries import PAGE_SIZE

COLUMNS = "columns"


def leaderboard() -> None:
    st.title("Leaderboard")
    with hints.explained():
        searches = queries.searches()
        if not searches:
            hints.empty_desk()
            return
        wanted = filters.choose(searches)
        shown = _board(wanted)
        if shown:
            comparison.compare(shown)
        _pictures(wanted, shown)


def _board(wanted: Filters) -> list[Entry]:
    """A page of the board; the results on it."""
    total = queries.count(wanted)
    if not total:
        st.info("Nothing on the board fits these filters.", icon=":material/filter_alt_off:")
        return []
    pages = 1 + (total - 1) // PAGE_SIZE
    number = _page_number(pages)
    results = queries.results(wanted, number)
    _table(wanted, number, results)
    first = 1 + (number - 1) * PAGE_SIZE
    what = "results" if wanted.every_result else "strategies, each by its best result"
    st.caption(
        f"{first:,} to {first + len(results) - 1:,} of {total:,} {what}, ranked by the deflated Sharpe "
        "ratio: what is left after the luck of the best of so many trials. Where it is not known yet, passed "
        "first and then by raw Sharpe ratio."
    )
    if said := queries.of_all_tried():
        st.caption(said)
    buttons = st.container(horizontal=True, vertical_alignment="center")
    with buttons.popover("Columns", icon=":material/view_column:"):
        st.multiselect(
            "Columns that are shown",
            list(figures.COLUMNS),
            key=COLUMNS,
            bind="query-params",
            placeholder="all",
            help="They stay in the address of this page.",
        )
    with buttons:
        exports.buttons(
            "leaderboard",
            f"All {total:,} rows, every column, every digit.",
            lambda: queries.comma_separated(wanted),
            lambda: queries.everything(wanted),
        )
    if pages > 1:
        with buttons:
            st.pagination(pages, key="page", bind="query-params")
    _sql(wanted, number)
    return results


@st.fragment
def _sql(wanted: Filters, number: int) -> None:
    """Drawn once it is opened: what colors code costs a browser more than a chart does."""
    box = st.expander("Show me the SQL", key="sql", on_change="rerun")
    if box.open:
        box.code(queries.shown_sql(wanted, number), language="sql")


def _page_number(pages: int) -> int:
    """The page that the address asks for, or the last one where it asks for more."""
    asked = st.session_state.get("page", st.query_params.get("page", "1"))
    number = int(asked) if str(asked).isdigit() else 1
    if not 1 <= number <= pages:
        number = min(max(number, 1), pages)
        if "page" not in st.session_state:
            st.query_params["page"] = str(number)
            st.rerun()
        st.session_state["page"] = number
    return number


def _table(wanted: Filters, number: int, results: Sequence[Entry]) -> None:
    chosen = comparison.chosen()
    ticked = [row for row, one in enumerate(results) if one.backtest_result_id in chosen]
    # Another page or another choice is another table: its ticks begin anew.
    key = f"board {number} {hash(wanted)} {st.session_state.get('compare_round', 0)}"
    st.dataframe(
        figures.table(results, queries.sparklines([one.backtest_result_id for one in results])),
        column_config=figures.COLUMNS,
        hide_index=True,
        placeholder=NOTHING,
        height="content" if len(results) <= 15 else 560,
        column_order=_columns(),
        key=key,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": ticked, "columns": [], "cells": []}},
        on_select=lambda: comparison.follow_ticks(key, results),
    )


def _columns() -> list[str]:
    """Those that are chosen, in the board's order; all where none is."""
    chosen = st.session_state.get(COLUMNS) or st.query_params.get_all(COLUMNS)
    return [name for name in figures.COLUMNS if name in chosen] or list(figures.COLUMNS)


def _pictures(wanted: Filters, results: Sequence[Entry]) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("How far they came")
        st.altair_chart(figures.funnel(queries.funnel()))
        st.caption("The whole desk, whatever the filters say. A click on a bar leads to its rows.")
        chart = figures.return_and_drawdown(results)
        if chart is not None:
            st.subheader("Return against drawdown")
            st.altair_chart(chart)
            st.caption("The results on this page of the board. A click on a dot opens its result.")
    with right:
        st.subheader("In sample against out of sample")
        _folds(wanted)


def _folds(wanted: Filters) -> None:
    folds = queries.folds(wanted)
    if not folds:
        st.info(
            "No fold of a walk-forward that fits these filters has been tested yet. To test one:",
            icon=":material/linear_scale:",
        )
        st.code("backdesk queue configs/optimizations/walk_forward_example.yaml", language="bash")
        return
    st.altair_chart(figures.in_and_out_of_sample(folds))
    lost = sum(fold["out_of_sample_sharpe"] < fold["in_sample_sharpe"] for fold in folds)
    st.caption(
        f"{lost:,} of {len(folds):,} folds did worse on the days after the choice: they lie below the dashed "
        "line. A click on a dot opens its walk-forward."
    )
