"""The target of a run over its parameters: a map of two of them, or a line where only one varies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from runners.charts import palette
from streamlit_app import links
from streamlit_app.run import figures, queries

Rows = Sequence[dict[str, Any]]
SHADES = {"best": "best of the cell", "mean": "mean of the cell"}


def surface(found: dict[str, Any]) -> None:
    axes = queries.axes(found["optimization_run_id"])
    if not axes:
        return
    st.subheader("Over its parameters")
    if len(axes) == 1:
        st.altair_chart(line(queries.cells(found["optimization_run_id"], axes[0], axes[0]), axes[0], found))
        return
    left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
    x = left.selectbox("Across", axes, key="x", bind="query-params")
    rest = [name for name in axes if name != x]
    y = middle.selectbox("Up", rest, key="y", bind="query-params")
    shade = right.segmented_control(
        "Shade", list(SHADES), default="best", format_func=SHADES.__getitem__, key="shade", required=True
    )
    if x is None or y is None:
        return
    cells = queries.cells(found["optimization_run_id"], x, y)
    if cells:
        st.altair_chart(heat_map(cells, x, y, shade or "best", found))
        st.caption(
            "A cell holds all points with these two values, whatever their other parameters are; a click "
            "opens the best of them. Outlined is the best cell; a dashed one has no figure, since its points "
            "failed or did not trade. A plateau is worth more than a peak, which is often noise."
        )


def heat_map(cells: Rows, x: str, y: str, shade: str, found: dict[str, Any]) -> Any:
    """A cell a pair of values, or of ranges where there are more values than cells."""
    target, form = figures.target_axis(found)
    frame = _frame(cells, found)
    wide = any(cell["x"] != cell["x_end"] for cell in cells)
    high = any(cell["y"] != cell["y_end"] for cell in cells)
    encoded = {
        **_axis("x", x, wide, sorted_values=_values(cells, "x")),
        **_axis("y", y, high, sorted_values=list(reversed(_values(cells, "y")))),
    }
    base = alt.Chart(frame).encode(
        **encoded,
        href="url:N",
        tooltip=[
            alt.Tooltip("x_text:N", title=_words(x)),
            alt.Tooltip("y_text:N", title=_words(y)),
            alt.Tooltip("best:Q", title=f"best {target}", format=".3f"),
            alt.Tooltip("mean:Q", title=f"mean {target}", format=".3f"),
            alt.Tooltip("points:Q", format=","),
            alt.Tooltip("passed:Q", format=","),
            alt.Tooltip("failed:Q", format=","),
        ],
    )
    color = alt.Color(
        f"{shade}:Q",
        title=target,
        scale=alt.Scale(scheme="viridis", reverse=found["target_direction"] == "min"),
        legend=alt.Legend(gradientLength=200, format=form),
    )
    rectangles = base.transform_filter(f"isValid(datum.{shade})").mark_rect().encode(color=color)
    without = (
        base.transform_filter(f"!isValid(datum.{shade})")
        .mark_rect(fillOpacity=0.12, fill=palette.GREY, stroke=palette.GREY, strokeDash=[2, 2])
    )
    top = (min if found["target_direction"] == "min" else max)(frame[shade].dropna(), default=None)
    best = base.transform_filter(alt.datum[shade] == top).mark_rect(
        filled=False, stroke=palette.VERMILION, strokeWidth=3
    )
    drawn = rectangles + without if top is None else rectangles + without + best
    if not wide and not high and len(cells) <= 100:
        middle = (float(frame[shade].min()) + float(frame[shade].max())) / 2
        bright = f"datum.{shade} {'<' if found['target_direction'] == 'min' else '>'} {middle}"
        numbers = (
            base.transform_filter(f"isValid(datum.{shade})")
            # On a phone the cells are narrower than their numbers.
            .mark_text(fontSize=11, opacity=alt.expr(f"width / {len(_values(cells, 'x'))} < 30 ? 0 : 1"))
            .encode(
                text=alt.Text(f"{shade}:Q", format=".1%" if form == "~%" else ".2f"),
                color=alt.condition(bright, alt.value("#111"), alt.value("#fff")),
            )
        )
        drawn = drawn + numbers
    return drawn.properties(height=max(220, min(520, 30 * len(_values(cells, "y")) + 90)))


def line(cells: Rows, name: str, found: dict[str, Any]) -> Any:
    """Best and mean of the target at each value of the only parameter that varies."""
    target, form = figures.target_axis(found)
    frame = _frame(cells, found)
    numeric = all(_is_number(cell["x"]) for cell in cells)
    kind = "Q" if numeric else "N"
    long = frame.melt(id_vars=["x", "url", "points"], value_vars=["best", "mean"], var_name="what")
    base = alt.Chart(long.dropna(subset=["value"])).encode(
        x=alt.X(f"x:{kind}", title=_words(name), scale=alt.Scale(zero=False) if numeric else alt.Undefined),
        y=alt.Y("value:Q", title=target, scale=alt.Scale(zero=False), axis=alt.Axis(format=form)),
        color=alt.Color(
            "what:N",
            title=None,
            scale=alt.Scale(domain=["best", "mean"], range=[palette.ORANGE, palette.BLUE]),
            legend=alt.Legend(orient="top"),
        ),
        href="url:N",
        tooltip=[
            alt.Tooltip(f"x:{kind}", title=_words(name)),
            "what:N",
            alt.Tooltip("value:Q", format=".3f"),
            alt.Tooltip("points:Q", format=","),
        ],
    )
    return (base.mark_line() + base.mark_point(filled=True, size=50)).properties(height=300)


def _frame(cells: Rows, found: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(cells)
    strategy = found["strategy"]
    frame["url"] = [
        links.strategy_url(strategy, cell["best_result_id"]) if cell["best_result_id"] else ""
        for cell in cells
    ]
    for axis in ("x", "y"):
        frame[f"{axis}_text"] = [
            str(cell[axis])
            if cell[axis] == cell[f"{axis}_end"]
            else f"{cell[axis]:.4g} to {cell[f'{axis}_end']:.4g}"
            for cell in cells
        ]
        if any(cell[axis] == cell[f"{axis}_end"] for cell in cells):
            # A mixture of kinds has no type of its own in a chart.
            frame[axis] = [
                cell[axis] if _is_number(cell[axis]) else _shown(cell[axis]) for cell in cells
            ]
    return frame


def _axis(channel: str, name: str, binned: bool, sorted_values: list[Any]) -> dict[str, Any]:
    kind = alt.X if channel == "x" else alt.Y
    if not binned:
        axis = alt.Axis(labelAngle=0, labelOverlap=True) if channel == "x" else alt.Axis(labelOverlap=True)
        return {channel: kind(f"{channel}:O", title=_words(name), sort=sorted_values, axis=axis)}
    scale = alt.Scale(zero=False, nice=False)
    end = alt.X2 if channel == "x" else alt.Y2
    return {
        channel: kind(f"{channel}:Q", title=_words(name), scale=scale, axis=alt.Axis(grid=False)),
        f"{channel}2": end(f"{channel}_end:Q"),
    }


def _values(cells: Rows, axis: str) -> list[Any]:
    found = {_shown(cell[axis]): cell[axis] for cell in cells}
    ordered = sorted(found.values(), key=lambda v: (not _is_number(v), v if _is_number(v) else str(v)))
    return [value if _is_number(value) else _shown(value) for value in ordered]


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _words(name: str) -> str:
    return str(name).replace("_", " ")
