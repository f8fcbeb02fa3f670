"""How the target of a search is drawn over its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from runners.charts import palette
from streamlit_app import links

Rows = Sequence[dict[str, Any]]

# From dark blue to yellow by lightness, which every eye and both themes show alike.
SCHEME = "cividis"


def target_map(
    cells: Rows, axes: tuple[str, str], which: str, target: str, strategy: str, chosen: Mapping[str, Any]
) -> Any:
    """A cell for each pair of values of two parameters, that of this result in a frame.

    `which` is mean or best: over the values of all other parameters.
    """
    x, y = axes
    frame = pd.DataFrame(
        {
            "x": _label(cell["x"], cell["x_end"]),
            "y": _label(cell["y"], cell["y_end"]),
            "value": cell[which],
            "points": cell["points"],
            "passed": cell["passed"],
            "failed": cell["failed"],
            "here": _holds(cell, "x", chosen.get(x)) and _holds(cell, "y", chosen.get(y)),
            "url": links.strategy_url(strategy, cell["best_result_id"]),
        }
        for cell in cells
    )
    base = alt.Chart(frame).encode(
        x=_axis("x", x, cells),
        y=_axis("y", y, cells, descending=True),
    )
    heat = base.mark_rect().encode(
        color=alt.Color(
            "value:Q",
            title=f"{which} {target}",
            scale=alt.Scale(scheme=SCHEME),
            legend=alt.Legend(format="~g"),
        ),
        href="url:N",
        tooltip=[
            alt.Tooltip("x:N", title=x.replace("_", " ")),
            alt.Tooltip("y:N", title=y.replace("_", " ")),
            alt.Tooltip("value:Q", title=f"{which} {target}", format=".3f"),
            "points:Q",
            "passed:Q",
            "failed:Q",
        ],
    )
    here = base.transform_filter("datum.here").mark_rect(
        filled=False, stroke=palette.VERMILION, strokeWidth=3
    )
    return (heat + here).properties(height=max(260, min(22 * frame["y"].nunique() + 60, 520)))


def parameter_slice(values: Rows, chosen: Any, best: Any, on_edge: bool) -> Any:
    """Mean and best of the target at each value; this result's value as a rule; a mark on the best mean that
    says plateau or peak, and one where the best point lies on the edge of what was searched."""
    numeric = all(_is_number(one["value"]) for one in values)

    def place(value: Any) -> Any:
        return value if numeric else str(value)

    lines = pd.DataFrame(
        [
            {"value": place(one["value"]), "what": what, "target": one[column], "tried": one["evaluations"]}
            for one in values
            for what, column in (("best", "best_target"), ("mean", "mean_target"))
            if one[column] is not None
        ],
        columns=["value", "what", "target", "tried"],
    )
    kind, name = ("Q" if numeric else "N"), values[0]["parameter"].replace("_", " ")
    target = str(values[0]["target_metric"]).replace("_", " ")
    scale = alt.Scale(domain=["best", "mean"], range=[palette.ORANGE, palette.BLUE])
    # Padding leaves room for the words at the marks.
    across = alt.Scale(zero=False, padding=24) if numeric else alt.Undefined
    x = alt.X(f"value:{kind}", title=name, scale=across)
    drawn = (
        alt.Chart(lines)
        .mark_line(point=True)
        .encode(
            x=x,
            y=alt.Y("target:Q", title=target, scale=alt.Scale(zero=False, padding=18)),
            color=alt.Color("what:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            tooltip=["what:N", f"value:{kind}", alt.Tooltip("target:Q", format=".3f"), "tried:Q"],
        )
    )
    layers = alt.layer(drawn)
    marks = _marks(values, best if on_edge else None)
    if marks:
        marked = alt.Chart(pd.DataFrame([mark | {"value": place(mark["value"])} for mark in marks]))
        layers += marked.mark_point(
            shape="diamond", size=150, strokeWidth=2, color=palette.VERMILION, filled=False
        ).encode(x=f"value:{kind}", y="target:Q")
        layers += marked.mark_text(dy=-14, fontSize=12, fontWeight="bold", color=palette.VERMILION).encode(
            x=f"value:{kind}", y="target:Q", text="word:N"
        )
    if chosen is not None:
        rule = alt.Chart(pd.DataFrame({"value": [place(chosen)]}))
        layers += rule.mark_rule(strokeDash=[4, 3], color=palette.GREY).encode(x=f"value:{kind}")
    return layers.properties(height=260)


def _marks(values: Rows, edge: Any) -> list[dict[str, Any]]:
    """Of the mean: where it is best, named by the shape around it. Of the best: where it is on an edge."""
    shape = values[0]["shape"]
    found = [
        {"value": one["value"], "target": one["mean_target"], "word": shape}
        for one in values
        if shape in ("plateau", "peak", "edge") and one["best_value"] and one["mean_target"] is not None
    ]
    return found + [
        {"value": one["value"], "target": one["best_target"], "word": "edge"}
        for one in values
        if edge is not None and one["value"] == edge and one["best_target"] is not None
    ]


def _axis(axis: str, name: str, cells: Rows, *, descending: bool = False) -> Any:
    ends = {_label(cell[axis], cell[f"{axis}_end"]): cell[axis] for cell in cells}
    order = sorted(ends, key=lambda label: _key(ends[label]), reverse=descending)
    if axis == "x":
        return alt.X(
            "x:O", title=name.replace("_", " "), sort=order, axis=alt.Axis(labelOverlap=True, labelAngle=0)
        )
    return alt.Y("y:O", title=name.replace("_", " "), sort=order, axis=alt.Axis(labelOverlap=True))


def _label(value: Any, end: Any) -> str:
    if _is_number(value):
        return f"{value:.6g}" if value == end else f"{value:.4g} to {end:.4g}"
    return str(value)


def _holds(cell: Mapping[str, Any], axis: str, value: Any) -> bool:
    """Whether a value lies in a cell, which has its begin and not its end."""
    begin, end = cell[axis], cell[f"{axis}_end"]
    if value == begin:
        return True
    return bool(_is_number(value) and _is_number(begin) and begin <= value < end)


def _key(value: Any) -> tuple[int, float, str]:
    return (0, float(value), "") if _is_number(value) else (1, 0.0, str(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
