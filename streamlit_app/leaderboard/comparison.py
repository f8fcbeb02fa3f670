"""Two to six results side by side: metrics as rows, curves on one axis, correlation of their days."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from runners.leaderboard import Entry
from streamlit_app import curves, links
from streamlit_app.leaderboard import queries
from streamlit_app.values import NOTHING, metric_text, number

MOST = 6


def compare(entries: Sequence[Entry]) -> None:
    """The choice stands in the address, like the filters."""
    st.subheader("Compare")
    chosen = st.multiselect(
        "Results",
        [links.option(entry.backtest_result_id, entry.strategy) for entry in entries],
        max_selections=MOST,
        placeholder=f"choose 2 to {MOST} of the results above",
        key="compare",
        bind="query-params",
    )
    if len(chosen) < 2:
        return
    labels = {links.key_of(one): one for one in chosen}
    st.dataframe(_metrics(labels), height=560)
    found = {label: curves.curve(result) for result, label in labels.items()}
    kept = {label: frame for label, frame in found.items() if not frame.empty}
    if kept:
        st.altair_chart(curves.overlaid(kept))
    if len(kept) > 1:
        st.markdown("Correlation of daily returns, over the sessions that both have")
        st.dataframe(_correlations({links.key_of(label): label for label in kept}))
    if len(kept) < len(labels):
        missing = ", ".join(label for label in labels.values() if label not in kept)
        st.caption(f"No curve is stored of {missing}: the run's keep_series decides which are.")


def _metrics(labels: dict[int, str]) -> pd.DataFrame:
    table: dict[str, dict[str, str]] = {}
    for row in queries.metrics(list(labels)):
        cells = table.setdefault(row["title"], dict.fromkeys(labels.values(), NOTHING))
        cells[labels[row["backtest_result_id"]]] = metric_text(row["value"], row["unit"], row["decimals"])
    return pd.DataFrame.from_dict(table, orient="index", columns=list(labels.values())).rename_axis("metric")


def _correlations(labels: dict[int, str]) -> pd.DataFrame:
    table = pd.DataFrame(NOTHING, index=list(labels.values()), columns=list(labels.values()))
    for row in queries.correlations(list(labels)):
        table.loc[labels[row["result_id"]], labels[row["other_id"]]] = number(row["correlation"])
    return table
