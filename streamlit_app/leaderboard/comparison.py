"""Two to six results side by side: metrics as rows, curves on one axis, correlation of their days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from runners.leaderboard import Entry
from runners.words import NOTHING, number
from streamlit_app import curves, links
from streamlit_app.leaderboard import queries

MOST = 6
KEY = "compare"
# Seen on a light ground as on a dark one.
BEST = "background-color: rgba(31, 134, 199, 0.30); font-weight: bold"


def chosen() -> list[int]:
    """Numbers of the results that are compared: those ticked or typed, or at first those in the address."""
    words = st.session_state.get(KEY, st.query_params.get_all(KEY))
    numbers = [word.split()[0] for word in words if word.strip()]
    return [int(one) for one in dict.fromkeys(numbers) if one.isdigit()][:MOST]


def follow_ticks(table: str, shown: Sequence[Entry]) -> None:
    """What was ticked in the table joins the choice, and what was unticked leaves it."""
    ticked = {shown[row].backtest_result_id for row in st.session_state[table]["selection"]["rows"]}
    on_page = {one.backtest_result_id for one in shown}
    known = queries.named(chosen())
    kept = [key for key in known if key not in on_page or key in ticked]
    names = {key: one.strategy for key, one in known.items()} | {
        one.backtest_result_id: one.strategy for one in shown
    }
    added = [one.backtest_result_id for one in shown if one.backtest_result_id in ticked - set(kept)]
    st.session_state[KEY] = [links.option(key, names[key]) for key in [*kept, *added]][:MOST]


def compare(results: Sequence[Entry]) -> None:
    """The choice stands in the address, like the filters, and outlives a turn of the page."""
    st.subheader("Compare")
    kept = queries.named(chosen())
    options = {key: one.strategy for key, one in kept.items()} | {
        one.backtest_result_id: one.strategy for one in results
    }
    _tidy(kept)
    words = st.multiselect(
        "Results",
        [links.option(key, strategy) for key, strategy in options.items()],
        max_selections=MOST,
        placeholder=f"choose 2 to {MOST} results here, or tick them in the table",
        key=KEY,
        bind="query-params",
        on_change=forget_ticks,
    )
    if len(words) < 2:
        return
    labels = {links.key_of(one): one for one in words}
    found = queries.named(list(labels))
    wide = {"metric": st.column_config.TextColumn("metric", width=210)}
    st.dataframe(_metrics(labels), column_config=wide, height=600)
    pages = [f"[{labels[key]}]({links.strategy_url(one.strategy, key)})" for key, one in found.items()]
    st.caption(
        "Shaded is the best of a row, where one is better than the others. "
        + " · ".join(pages)
        + f" · `select title, shown from compare_results({', '.join(map(str, labels))})`"
    )
    equity = {label: curves.curve(result) for result, label in labels.items()}
    drawn = {label: frame for label, frame in equity.items() if not frame.empty}
    if drawn:
        log = curves.logarithmic(drawn.values(), "axis")
        st.altair_chart(curves.overlaid(drawn, log))
    if len(drawn) > 1:
        st.markdown("Correlation of daily returns, over the sessions that both have")
        st.dataframe(_correlations({links.key_of(label): label for label in drawn}))
    if len(drawn) < len(labels):
        missing = ", ".join(label for label in labels.values() if label not in drawn)
        st.caption(f"No curve is stored of {missing}: the run's keep_series decides which are.")


def forget_ticks() -> None:
    """The table is made anew, with the ticks that fit the choice."""
    st.session_state["compare_round"] = st.session_state.get("compare_round", 0) + 1


def _tidy(kept: Mapping[int, Entry]) -> None:
    """A number alone, as a person types it, becomes its option; what is no result goes."""
    words = st.session_state.get(KEY, st.query_params.get_all(KEY))
    wanted = [links.option(key, kept[key].strategy) for key in chosen() if key in kept]
    if words and words != wanted:
        if KEY not in st.session_state:
            # In the address only: a value that is set counts as the default, which no address keeps.
            st.query_params[KEY] = wanted
            st.rerun()
        st.session_state[KEY] = wanted


def _metrics(labels: Mapping[int, str]) -> Styler:
    """Text by metric and result, the best of each row shaded."""
    found = queries.compared(list(labels))
    frame = pd.DataFrame(
        [[NOTHING if word is None else word for word in one["shown"]] for one in found],
        index=pd.Index([one["title"] for one in found], name="metric"),
        columns=list(labels.values()),
    )
    best = {one["title"]: {labels[result] for result in one["best"]} for one in found}

    def shade(row: Any) -> list[str]:
        return [BEST if label in best[str(row.name)] else "" for label in row.index]

    return frame.style.apply(shade, axis=1)


def _correlations(labels: dict[int, str]) -> pd.DataFrame:
    table = pd.DataFrame(NOTHING, index=list(labels.values()), columns=list(labels.values()))
    for row in queries.correlations(list(labels)):
        table.loc[labels[row["result_id"]], labels[row["other_id"]]] = number(row["correlation"])
    return table
