"""What mattered in a search: shares of its parameters, points as lines over them, the target over each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from runners.charts import palette
from streamlit_app import hints, links
from streamlit_app.run import figures, queries

Rows = Sequence[dict[str, Any]]
SHOWN = {"all": 1.0, "better half": 0.5, "best tenth": 0.1}
MOST_SLICES = 9


def parameters(found: dict[str, Any]) -> None:
    """Nothing where fewer than two parameters vary: the map above says it all."""
    axes = queries.axes(found["optimization_run_id"])
    if len(axes) < 2:
        return
    st.subheader("What mattered")
    weighed = queries.importance(found["optimization_run_id"])
    if weighed:
        st.altair_chart(importance(weighed))
        st.caption(
            f"Share of each parameter in what the target depends on, with its standard error:"
            f" {weighed[0]['method']}, over {weighed[0]['points']:,} points."
            " It says what tells the best tenth of them from all."
        )
    else:
        st.caption(
            "Worked out when a search of 20 points and more is complete, by a runner that has optuna"
            " (`pip install 'backdesk[bayes]'`)."
        )
    _lines(found, axes)


@st.fragment
def _lines(found: dict[str, Any], axes: list[str]) -> None:
    """Redrawn alone when more or fewer of the points are chosen."""
    with hints.explained():
        points = queries.points(found["optimization_run_id"])
        if len(points) < 2:
            return
        shown = st.segmented_control(
            "Points", list(SHOWN), default="all", required=True, key="points", bind="query-params",
            format_func=str.capitalize,
        )  # fmt: skip
        best_first = sorted(
            points, key=lambda one: one["target_value"], reverse=found["target_direction"] != "min"
        )
        chosen = best_first[: max(2, round(len(points) * SHOWN[shown]))]
        st.altair_chart(parallel(chosen, axes, found))
        st.caption(
            f"A line is a point, {len(chosen):,} of {found['finished'] or 0:,}; its color is the target."
            " Point at a line to see it alone, a click opens its result."
        )
        columns = st.columns(3)
        for place, axis in enumerate(axes[:MOST_SLICES]):
            columns[place % 3].altair_chart(a_slice(chosen, axis, found))


def importance(weighed: Rows) -> Any:
    frame = pd.DataFrame(weighed)
    frame["low"] = (frame["importance"] - frame["standard_error"].fillna(0)).clip(0, 1)
    frame["high"] = (frame["importance"] + frame["standard_error"].fillna(0)).clip(0, 1)
    base = alt.Chart(frame).encode(
        y=alt.Y("parameter:N", sort="-x", title=None, axis=alt.Axis(labelLimit=160)),
        tooltip=[
            "parameter:N",
            alt.Tooltip("importance:Q", title="share", format=".1%"),
            alt.Tooltip("standard_error:Q", title="standard error", format=".1%"),
        ],
    )
    x = alt.X("importance:Q", title="share (%)", axis=alt.Axis(format="~%"), scale=alt.Scale(domain=[0, 1]))
    bars = base.mark_bar(color=palette.BLUE, height=14).encode(x=x)
    errors = base.mark_rule(color=palette.ORANGE, strokeWidth=3).encode(x="low:Q", x2="high:Q")
    return (bars + errors).properties(height=30 * len(frame) + 70)


def parallel(points: Rows, axes: Sequence[str], found: dict[str, Any]) -> Any:
    """A line a point over axes that each go from the lowest value to the highest, words in their order."""
    target, form = figures.target_axis(found)
    columns = [*axes, target]
    values = {
        axis: [one["target_value"] if axis == target else one["parameters"].get(axis) for one in points]
        for axis in columns
    }
    places = {axis: _places(found_values) for axis, found_values in values.items()}
    lines = pd.DataFrame(
        {
            "result": one["backtest_result_id"],
            "axis": axis,
            "place": places[axis][0].get(_key(values[axis][number])),
            "target": one["target_value"],
            "url": links.strategy_url(found["strategy"], one["backtest_result_id"]),
            "words": ", ".join(f"{name}={one['parameters'].get(name)}" for name in axes),
        }
        # The best last, so that it lies on top.
        for number, one in reversed(list(enumerate(points)))
        for axis in columns
    )
    over = alt.selection_point(name="over", fields=["result"], on="pointerover", empty=False)
    x = alt.X("axis:N", sort=columns, title=None, axis=alt.Axis(labelAngle=0, labelLimit=110, grid=True))
    drawn = (
        alt.Chart(lines)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=x,
            y=alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[-0.05, 1.05])),
            detail="result:N",
            color=alt.Color(
                "target:Q",
                title=target,
                scale=alt.Scale(scheme="viridis", reverse=found["target_direction"] == "min"),
                legend=alt.Legend(orient="top", gradientLength=200, format=form),
            ),
            opacity=alt.condition(over, alt.value(1), alt.value(0.45)),
            strokeWidth=alt.condition(over, alt.value(3.5), alt.value(1.2)),
            href="url:N",
            tooltip=[
                alt.Tooltip("result:Q", title="result"),
                alt.Tooltip("target:Q", title=target, format=".3f"),
                alt.Tooltip("words:N", title="parameters"),
            ],
        )
        .add_params(over)
    )
    ends = pd.DataFrame(
        {"axis": axis, "place": place, "word": word} for axis in columns for place, word in places[axis][1]
    )
    words = (
        alt.Chart(ends)
        .mark_text(align="left", dx=5, fontSize=11, color=palette.GREY)
        .encode(x=x, y="place:Q", text="word:N")
    )
    return (drawn + words).properties(height=380)


def a_slice(points: Rows, axis: str, found: dict[str, Any]) -> Any:
    """The target of every point over one parameter, whatever the others are."""
    target, form = figures.target_axis(found)
    numeric = all(_is_number(one["parameters"].get(axis)) for one in points)
    frame = pd.DataFrame(
        {
            "value": one["parameters"].get(axis) if numeric else str(one["parameters"].get(axis)),
            "target": one["target_value"],
            "verdict": "passed" if one["passed"] else "rejected",
            "url": links.strategy_url(found["strategy"], one["backtest_result_id"]),
        }
        for one in points
    )
    return (
        alt.Chart(frame)
        .mark_point(filled=True, opacity=0.6, size=30)
        .encode(
            x=alt.X(
                "value:Q" if numeric else "value:N",
                title=axis.replace("_", " "),
                scale=alt.Scale(zero=False) if numeric else alt.Undefined,
            ),
            y=alt.Y("target:Q", title=target, scale=alt.Scale(zero=False), axis=alt.Axis(format=form)),
            color=alt.Color(
                "verdict:N",
                title=None,
                scale=alt.Scale(domain=["passed", "rejected"], range=[palette.BLUE, palette.GREY]),
                legend=alt.Legend(orient="top"),
            ),
            href="url:N",
            tooltip=["value", alt.Tooltip("target:Q", title=target, format=".3f"), "verdict:N"],
        )
        .properties(height=230)
    )


def _places(values: Sequence[Any]) -> tuple[dict[Any, float], list[tuple[float, str]]]:
    """Where each value lies between 0 and 1, and what stands at the ends, or at each word."""
    if all(_is_number(value) for value in values):
        low, high = min(values), max(values)
        span = (high - low) or 1
        return {_key(value): (value - low) / span for value in values}, [
            (0.0, f"{low:.4g}"),
            (1.0, f"{high:.4g}"),
        ]
    words = sorted({str(value) for value in values})
    step = 1 / max(1, len(words) - 1)
    places = {word: place * step for place, word in enumerate(words)}
    return {_key(value): places[str(value)] for value in values}, [(at, word) for word, at in places.items()]


def _key(value: Any) -> Any:
    """1 and true are different values."""
    return str(value) if isinstance(value, bool | list | dict) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
