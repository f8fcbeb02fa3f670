"""How a search is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from runners.charts import curves, palette
from runners.words import count, moment, number, parameters_text, per_cent
from streamlit_app import links

Rows = Sequence[dict[str, Any]]

_RESULT = r"result=(\d+)"
BEST_COLUMNS: dict[str, Any] = {
    "result": st.column_config.LinkColumn("result", display_text=_RESULT, width=60),
    "passed": st.column_config.CheckboxColumn("passed", width=60),
}
ERROR_COLUMNS: dict[str, Any] = {
    "first": st.column_config.LinkColumn(
        "first result", display_text=_RESULT, width=80, help="The first of them, with the whole error."
    ),
    "points": st.column_config.NumberColumn("points", format="localized", width=60),
    "error": st.column_config.TextColumn("error", width="large"),
}


def target_axis(found: dict[str, Any]) -> tuple[str, str]:
    """Title of the target with its unit, and the format of its ticks."""
    if found["target_unit"] == "fraction":
        return f"{found['target_title']} (%)", "~%"
    units = {"ratio": "", "money": " (account currency)", "sessions": " (sessions)"}
    return found["target_title"] + units.get(found["target_unit"], ""), "~g"


def best_so_far(points: Rows, noise: Rows, found: dict[str, Any]) -> Any:
    """Every point as a dot, told apart by shape too; the best so far as steps; behind it what noise gives."""
    frame = pd.DataFrame(points)
    target, form = target_axis(found)
    frame["verdict"] = ["passed" if passed else "rejected" for passed in frame["passed"]]
    frame["url"] = [links.strategy_url(found["strategy"], one) for one in frame["backtest_result_id"]]
    # Where there are few, those that passed are to be seen first; where there are many, all of them.
    large = 110 if len(points) <= 200 else 40
    x = alt.X("evaluation:Q", title="points recorded", axis=curves.counts(), scale=alt.Scale(nice=False))
    y = alt.Y("target_value:Q", title=target, scale=alt.Scale(zero=False), axis=alt.Axis(format=form))
    dots = (
        alt.Chart(frame.dropna(subset=["target_value"]))
        .mark_point(filled=True, opacity=0.85)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "verdict:N",
                title=None,
                scale=alt.Scale(domain=["passed", "rejected"], range=[palette.BLUE, palette.GREY]),
                legend=alt.Legend(orient="top"),
            ),
            shape=alt.Shape(
                "verdict:N", scale=alt.Scale(domain=["passed", "rejected"], range=["circle", "cross"])
            ),
            size=alt.Size(
                "verdict:N", legend=None, scale=alt.Scale(domain=["passed", "rejected"], range=[large, 35])
            ),
            href="url:N",
            tooltip=[
                alt.Tooltip("evaluation:Q", title="point", format=","),
                alt.Tooltip("backtest_result_id:Q", title="result"),
                "verdict:N",
                alt.Tooltip("target_value:Q", title=target, format=".3f"),
            ],
        )
    )
    line = (
        alt.Chart(frame.dropna(subset=["best_so_far"]))
        .mark_line(interpolate="step-after", color=palette.ORANGE, strokeWidth=2.5)
        .encode(x=x, y="best_so_far:Q")
    )
    layers = [line, dots]
    if len(noise) > 1:
        behind = alt.Chart(pd.DataFrame(noise))
        band = behind.mark_area(color=palette.GREY, opacity=0.25).encode(x=x, y="low:Q", y2="high:Q")
        middle = behind.mark_line(color=palette.GREY, strokeDash=[5, 3]).encode(x=x, y="expected:Q")
        layers = [band, middle, *layers]
    return alt.layer(*layers).properties(height=360)


def reasons(rejections: Rows) -> Any:
    base = alt.Chart(pd.DataFrame(rejections)).encode(
        y=alt.Y("reason:N", sort="-x", title=None, axis=alt.Axis(labelLimit=220)),
        # Room on the right for the number at the longest bar.
        x=alt.X(
            "rejected:Q",
            title="points rejected for it",
            axis=curves.counts(),
            scale=alt.Scale(domain=[0, 1.15 * max(one["rejected"] for one in rejections)], nice=False),
        ),
        tooltip=["reason:N", alt.Tooltip("rejected:Q", format=",")],
    )
    bars = base.mark_bar(color=palette.BLUE, height=16)
    texts = base.mark_text(align="left", dx=5, color=palette.GREY).encode(
        text=alt.Text("rejected:Q", format=",")
    )
    return (bars + texts).properties(height=30 * len(rejections) + 80)


def errors(failures: Rows, strategy: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "first": links.strategy_url(strategy, one["first_result_id"]),
            "points": one["points"],
            "kind": one["error_kind"],
            "error": one["error"],
            "last": moment(one["last_at"]),
        }
        for one in failures
    )


def best(results: Rows) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "result": links.strategy_url(one["strategy"], one["backtest_result_id"]),
            "passed": one["passed"],
            "deflated Sharpe": per_cent(one["deflated_sharpe"]),
            "raw Sharpe": number(one["sharpe_ratio"]),
            "annual return": per_cent(one["annual_return"]),
            "drawdown": per_cent(one["max_drawdown"]),
            "trades": count(one["trades"]),
            "parameters": parameters_text(one["parameters"]),
        }
        for one in results
    )
