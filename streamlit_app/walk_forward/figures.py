"""How a walk-forward is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from runners.charts import curves, palette
from runners.words import number, parameters_text, per_cent
from streamlit_app import links

Rows = Sequence[dict[str, Any]]

WINDOWS = alt.Scale(domain=["in sample", "out of sample"], range=[palette.SKY, palette.ORANGE])
NARROW = ("Sharpe in", "Sharpe out", "annual in", "annual out", "efficiency")
COLUMNS: dict[str, Any] = {
    **{name: st.column_config.TextColumn(name, width=72) for name in NARROW},
    "in": st.column_config.LinkColumn(
        "result in", display_text=r"result=(\d+)", width=70, help="What was chosen in sample."
    ),
    "out": st.column_config.LinkColumn(
        "result out", display_text=r"result=(\d+)", width=70, help="The same parameters on the days after."
    ),
    "drawdown": st.column_config.TextColumn("drawdown", width=80, help="Out of sample."),
    "trades": st.column_config.TextColumn("trades", width=60, help="Out of sample."),
    "changed": st.column_config.TextColumn(
        "changed", width=70, help="Share of the parameters that are not those of the choice before."
    ),
}


def strip(folds: Rows) -> alt.Chart:
    """Where each fold was searched and where it was tested."""
    bars = [
        {
            "fold": fold["fold"],
            "window": window,
            "from": pd.Timestamp(fold[begin]),
            "to": pd.Timestamp(fold[end]),
        }
        for fold in folds
        for window, begin, end in (
            ("in sample", "in_sample_start", "in_sample_end"),
            ("out of sample", "out_of_sample_start", "out_of_sample_end"),
        )
    ]
    return (
        alt.Chart(pd.DataFrame(bars))
        .mark_bar(height=10)
        .encode(
            x=curves.time_axis(
                "from",
                min(bar["from"] for bar in bars).date(),
                max(bar["to"] for bar in bars).date(),
                naive=True,
            ),
            x2="to:T",
            y=alt.Y("fold:O", title="fold", axis=alt.Axis(labelOverlap=len(folds) > 40)),
            color=alt.Color("window:N", title=None, scale=WINDOWS, legend=alt.Legend(orient="top")),
            tooltip=[
                "fold:O",
                "window:N",
                alt.Tooltip("from:T", format="%Y-%m-%d"),
                alt.Tooltip("to:T", title="to, not included", format="%Y-%m-%d"),
            ],
        )
        .properties(height=24 * len(folds) + 90)
    )


def table(folds: Rows) -> pd.DataFrame:
    """A row a fold; its results are links."""
    return pd.DataFrame(
        {
            "fold": fold["fold"],
            "state": fold["state"].replace("_", " "),
            "tested from": str(fold["out_of_sample_start"]),
            "chosen": parameters_text(fold["chosen_parameters"] or {}),
            "in": _result_url(fold, "chosen_result_id"),
            "out": _result_url(fold, "out_of_sample_result_id"),
            "Sharpe in": number(fold["in_sample_sharpe"]),
            "Sharpe out": number(fold["out_of_sample_sharpe"]),
            "annual in": per_cent(fold["in_sample_annual_return"]),
            "annual out": per_cent(fold["out_of_sample_annual_return"]),
            "efficiency": per_cent(fold["efficiency"], 0),
            "drawdown": per_cent(fold["out_of_sample_drawdown"]),
            "trades": number(fold["out_of_sample_trades"], 0),
            "changed": per_cent(fold["parameter_drift"], 0),
        }
        for fold in folds
    )


def sharpes(folds: Rows) -> Any:
    """The Sharpe ratio of each fold's choice in sample beside that out of sample, what was lost between them;
    none where no fold was tested. A fold in cash has neither."""
    pairs = [
        {"fold": fold["fold"], "in": fold["in_sample_sharpe"], "out": fold["out_of_sample_sharpe"]}
        for fold in folds
        if fold["in_sample_sharpe"] is not None and fold["out_of_sample_sharpe"] is not None
    ]
    if not pairs:
        return None
    x = alt.X(
        "fold:O",
        title="fold",
        axis=alt.Axis(labelAngle=0, labelOverlap=True),
        scale=alt.Scale(domain=[fold["fold"] for fold in folds]),
    )
    points = [
        {"fold": pair["fold"], "window": window, "sharpe": pair[column]}
        for pair in pairs
        for column, window in (("in", "in sample"), ("out", "out of sample"))
    ]
    lost = alt.Chart(pd.DataFrame(pairs)).mark_rule(color=palette.GREY, strokeWidth=1.5)
    zero = alt.Chart(pd.DataFrame({"at": [0]})).mark_rule(color=palette.GREY, strokeDash=[4, 3])
    dots = (
        alt.Chart(pd.DataFrame(points))
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            x=x,
            y=alt.Y("sharpe:Q", title="Sharpe ratio (annualized)"),
            color=alt.Color("window:N", title=None, scale=WINDOWS, legend=alt.Legend(orient="top")),
            shape=alt.Shape(
                "window:N",
                title=None,
                scale=alt.Scale(domain=["in sample", "out of sample"], range=["circle", "diamond"]),
            ),
            tooltip=["fold:O", "window:N", alt.Tooltip("sharpe:Q", title="Sharpe ratio", format=".2f")],
        )
    )
    return (zero.encode(y="at:Q") + lost.encode(x=x, y="in:Q", y2="out:Q") + dots).properties(height=280)


def drift(folds: Rows) -> Any:
    """The chosen value of each numeric parameter, fold after fold; none where nothing was chosen."""
    values = [
        {"fold": fold["fold"], "parameter": name.replace("_", " "), "value": value}
        for fold in folds
        for name, value in (fold["chosen_parameters"] or {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if not values:
        return None
    line = (
        alt.Chart(pd.DataFrame(values))
        .mark_line(point=True, color=palette.BLUE, interpolate="step-after")
        .encode(
            x=alt.X("fold:Q", title="fold", axis=curves.counts()),
            y=alt.Y(
                "value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format="~g", tickCount=4)
            ),
            tooltip=["fold:Q", "parameter:N", "value:Q"],
        )
        .properties(height=90, width=420)
    )
    return line.facet(row=alt.Row("parameter:N", title=None)).resolve_scale(y="independent")


def degradation(folds: Rows) -> Any:
    """Sharpe ratio in sample against out of sample; on the diagonal nothing is lost."""
    pairs = pd.DataFrame(folds)[["fold", "in_sample_sharpe", "out_of_sample_sharpe"]].dropna()
    if pairs.empty:
        return None
    low = float(pairs[["in_sample_sharpe", "out_of_sample_sharpe"]].min().min())
    high = float(pairs[["in_sample_sharpe", "out_of_sample_sharpe"]].max().max())
    diagonal = alt.Chart(pd.DataFrame({"at": [low, high]})).mark_line(color=palette.GREY, strokeDash=[5, 3])
    dots = (
        alt.Chart(pairs)
        .mark_point(filled=True, size=80, color=palette.BLUE)
        .encode(
            x=alt.X("in_sample_sharpe:Q", title="Sharpe ratio in sample"),
            y=alt.Y("out_of_sample_sharpe:Q", title="Sharpe ratio out of sample"),
            tooltip=[
                "fold:O",
                alt.Tooltip("in_sample_sharpe:Q", format=".2f"),
                alt.Tooltip("out_of_sample_sharpe:Q", format=".2f"),
            ],
        )
    )
    return (diagonal.encode(x="at:Q", y="at:Q") + dots).properties(height=300)


def _result_url(fold: dict[str, Any], key: str) -> str:
    result = fold[key]
    return "" if result is None else links.strategy_url(fold["strategy"], result)
