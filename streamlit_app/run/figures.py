"""How a search is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from runners.leaderboard import parameters_text
from streamlit_app import links, palette
from streamlit_app.values import NOTHING, moment, number, per_cent

Rows = Sequence[dict[str, Any]]

BEST_COLUMNS: dict[str, Any] = {"open": st.column_config.LinkColumn("open", display_text="open", width=55)}


def best_so_far(points: Rows) -> Any:
    """Every point as a dot, told apart by shape too, and the best so far as a line of steps."""
    frame = pd.DataFrame(points)
    target = str(frame["target_metric"].iloc[0]).replace("_", " ")
    frame["verdict"] = ["passed" if passed else "rejected" for passed in frame["passed"]]
    x = alt.X("evaluation:Q", title="points recorded", axis=alt.Axis(format="d"))
    dots = (
        alt.Chart(frame.dropna(subset=["target_value"]))
        .mark_point(filled=True, size=30, opacity=0.7)
        .encode(
            x=x,
            y=alt.Y("target_value:Q", title=target, scale=alt.Scale(zero=False)),
            color=alt.Color(
                "verdict:N",
                title=None,
                scale=alt.Scale(domain=["passed", "rejected"], range=[palette.BLUE, palette.GREY]),
                legend=alt.Legend(orient="top"),
            ),
            shape=alt.Shape(
                "verdict:N", scale=alt.Scale(domain=["passed", "rejected"], range=["circle", "cross"])
            ),
            tooltip=[
                "evaluation:Q",
                "backtest_result_id:Q",
                "verdict:N",
                alt.Tooltip("target_value:Q", format=".3f"),
            ],
        )
    )
    line = (
        alt.Chart(frame.dropna(subset=["best_so_far"]))
        .mark_line(interpolate="step-after", color=palette.ORANGE, strokeWidth=2)
        .encode(x=x, y="best_so_far:Q")
    )
    return (dots + line).properties(height=320)


def reasons(rejections: Rows) -> alt.Chart:
    return (
        alt.Chart(pd.DataFrame(rejections))
        .mark_bar(color=palette.BLUE, height=16)
        .encode(
            y=alt.Y("reason:N", sort="-x", title=None, axis=alt.Axis(labelLimit=220)),
            x=alt.X("rejected:Q", title="points rejected for it", axis=alt.Axis(tickMinStep=1, format="d")),
            tooltip=["reason:N", "rejected:Q"],
        )
        .properties(height=30 * len(rejections) + 80)
    )


def errors(failures: Rows) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "points": one["points"],
            "kind": one["error_kind"],
            "error": one["error"],
            "first result": one["first_result_id"],
            "last": moment(one["last_at"]),
        }
        for one in failures
    )


def best(results: Rows) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "open": links.strategy_url(one["strategy"], one["backtest_result_id"]),
            "result": one["backtest_result_id"],
            "passed": one["passed"],
            "deflated": per_cent(one["deflated_sharpe"]),
            "Sharpe": number(one["sharpe_ratio"]),
            "annual return": per_cent(one["annual_return"]),
            "drawdown": per_cent(one["max_drawdown"]),
            "trades": NOTHING if one["trades"] is None else f"{one['trades']:,}",
            "parameters": parameters_text(one["parameters"]),
        }
        for one in results
    )
