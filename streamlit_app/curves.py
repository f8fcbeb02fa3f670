"""Curves of results, as several pages draw them: read from the desk's functions, not worked out here."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import altair as alt
import pandas as pd

from streamlit_app import palette
from streamlit_app.database import rows

SESSIONS = alt.X("session:T", title="session", axis=alt.Axis(format="%Y-%m", tickCount=10, labelOverlap=True))
# Room for labels that is the same in both, so that charts one above the other have one axis of time.
EXTENT = 50
# Each of them costs a browser time, and a screen is not wider.
POINTS = 800


def curve(result: int) -> pd.DataFrame:
    """A row a session; empty where the run's policy did not keep the curve."""
    found = rows("select * from desk.result_equity(%(result)s)", {"result": result})
    frame = pd.DataFrame(found, columns=["session", "equity", "total_return", "drawdown", "benchmark_return"])
    frame["session"] = pd.to_datetime(frame["session"])
    return frame


def thinned(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """What can be told apart on a screen: of every so many rows in turn the lowest and the highest, and of
    all the first and the last."""
    if len(frame) <= POINTS:
        return frame
    values = frame[column].reset_index(drop=True)
    stretches = values.groupby(values.index // ceil(2 * len(values) / POINTS))
    kept = {0, len(values) - 1, *stretches.idxmin(), *stretches.idxmax()}
    return frame.iloc[sorted(kept)]


def overlaid(curves: Mapping[str, pd.DataFrame], height: int = 300) -> alt.Chart:
    """Several curves on one axis, each from its own start."""
    frame = pd.concat(
        [thinned(found, "total_return").assign(result=label) for label, found in curves.items()]
    )
    return (
        alt.Chart(frame)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=SESSIONS,
            y=alt.Y("total_return:Q", title="return since the start (%)", axis=alt.Axis(format=".0%")),
            color=alt.Color(
                "result:N",
                title=None,
                scale=alt.Scale(domain=list(curves), range=palette.SERIES[: len(curves)]),
                legend=alt.Legend(orient="top", labelLimit=300),
            ),
            tooltip=["result:N", "session:T", alt.Tooltip("total_return:Q", format=".1%")],
        )
        .properties(height=height)
    )


def equity_and_drawdown(frame: pd.DataFrame) -> Any:
    """The curve beside its benchmark, and under it how far it was below its peak, over the same time."""
    lines = thinned(frame, "total_return").melt(
        id_vars="session",
        value_vars=["total_return", "benchmark_return"],
        var_name="what",
        value_name="return",
    ).dropna()
    lines["what"] = lines["what"].map({"total_return": "strategy", "benchmark_return": "benchmark"})
    # A result without a benchmark has no word of it in the legend.
    shown = [name for name in ("strategy", "benchmark") if (lines["what"] == name).any()]
    scale = alt.Scale(domain=shown, range=[palette.BLUE, palette.GREY][: len(shown)])
    tips = [alt.Tooltip("session:T", format="%Y-%m-%d"), "what:N", alt.Tooltip("return:Q", format=".1%")]
    above = (
        alt.Chart(lines)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("session:T", title=None, axis=alt.Axis(labels=False, ticks=False, tickCount=10)),
            y=alt.Y(
                "return:Q",
                title="return since the start (%)",
                axis=alt.Axis(format=".0%", minExtent=EXTENT),
                scale=alt.Scale(nice=False),
            ),
            color=alt.Color("what:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            strokeDash=alt.StrokeDash(
                "what:N",
                legend=None,
                scale=alt.Scale(domain=shown, range=[[1, 0], [5, 3]][: len(shown)]),
            ),
            tooltip=tips,
        )
        .properties(height=320, width="container")
    )
    below = (
        alt.Chart(thinned(frame, "drawdown")[["session", "drawdown"]])
        .mark_area(color=palette.VERMILION, opacity=0.6)
        .encode(
            x=SESSIONS,
            y=alt.Y(
                "drawdown:Q",
                title="below peak (%)",
                axis=alt.Axis(format=".0%", tickCount=4, minExtent=EXTENT),
                scale=alt.Scale(reverse=True),
            ),
            tooltip=[
                alt.Tooltip("session:T", format="%Y-%m-%d"),
                alt.Tooltip("drawdown:Q", title="below peak", format=".1%"),
            ],
        )
        .properties(height=190, width="container")
    )
    return above, below
