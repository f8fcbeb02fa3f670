"""How a walk-forward is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from runners.leaderboard import parameters_text
from streamlit_app import palette
from streamlit_app.values import number, per_cent

Rows = Sequence[dict[str, Any]]


def strip(folds: Rows) -> alt.Chart:
    """Where each fold was searched and where it was tested."""
    bars = [
        {"fold": fold["fold"], "window": window, "from": str(fold[begin]), "to": str(fold[end])}
        for fold in folds
        for window, begin, end in (
            ("in sample", "in_sample_start", "in_sample_end"),
            ("out of sample", "out_of_sample_start", "out_of_sample_end"),
        )
    ]
    scale = alt.Scale(domain=["in sample", "out of sample"], range=[palette.SKY, palette.ORANGE])
    return (
        alt.Chart(pd.DataFrame(bars))
        .mark_bar(height=10)
        .encode(
            x=alt.X(
                "from:T", title="session", axis=alt.Axis(format="%Y-%m", tickCount=10, labelOverlap=True)
            ),
            x2="to:T",
            y=alt.Y("fold:O", title="fold"),
            color=alt.Color("window:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            tooltip=["fold:O", "window:N", "from:T", "to:T"],
        )
        .properties(height=24 * len(folds) + 90)
    )


def table(folds: Rows) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "fold": fold["fold"],
            "state": fold["state"].replace("_", " "),
            "tested": f"{fold['out_of_sample_start']} to {fold['out_of_sample_end']}",
            "chosen": parameters_text(fold["chosen_parameters"] or {}),
            "Sharpe in": number(fold["in_sample_sharpe"]),
            "Sharpe out": number(fold["out_of_sample_sharpe"]),
            "annual in": per_cent(fold["in_sample_annual_return"]),
            "annual out": per_cent(fold["out_of_sample_annual_return"]),
            "efficiency": per_cent(fold["efficiency"], 0),
            "drawdown out": per_cent(fold["out_of_sample_drawdown"]),
            "trades out": number(fold["out_of_sample_trades"], 0),
            "changed": per_cent(fold["parameter_drift"], 0),
        }
        for fold in folds
    )


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
            x=alt.X("fold:Q", title="fold", axis=alt.Axis(tickMinStep=1, format="d")),
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
