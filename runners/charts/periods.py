"""Returns by calendar month and year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from runners.charts import palette

Rows = Sequence[Mapping[str, Any]]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def months(rows: Rows, *, width: int | str = "container") -> Any:
    """Years down, months across, each cell its return in per cent; `month` counts from 1."""
    values = [
        {"year": row["year"], "name": MONTHS[row["month"] - 1], "total_return": row["total_return"]}
        for row in rows
    ]
    most = max(abs(row["total_return"]) for row in rows) or 0.01
    height = 26 * len({row["year"] for row in rows}) + 30
    base = alt.Chart(alt.Data(values=values), width=width, height=height).encode(
        x=alt.X("name:O", sort=list(MONTHS), title=None, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("year:O", title=None),
        tooltip=["year:O", "name:O", alt.Tooltip("total_return:Q", title="return", format=".2%")],
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "total_return:Q",
            title="return (%)",
            scale=alt.Scale(range=palette.LOSS_TO_GAIN, domain=[-most, 0, most]),
            legend=alt.Legend(format=".0%", gradientLength=120),
        )
    )
    dark = f"abs(datum.total_return) > {0.6 * most}"
    # On a phone a month is narrower than its number.
    numbers = base.mark_text(fontSize=11, opacity=alt.expr("width < 380 ? 0 : 1")).encode(
        text=alt.Text("total_return:Q", format=".1%"),
        color=alt.condition(dark, alt.value("white"), alt.value("#222")),
    )
    return cells + numbers


def years(rows: Rows, *, width: int | str = "container") -> Any:
    """A bar a `year`, paler where a row says by `complete` that the curve did not cover it."""
    values = [
        {
            "year": row["year"],
            "covered": "whole year" if row.get("complete", True) else "part of a year",
            "total_return": row["total_return"],
        }
        for row in rows
    ]
    in_part = any(value["covered"] == "part of a year" for value in values)
    legend = alt.Legend(orient="top", symbolFillColor=palette.BLUE, symbolStrokeWidth=0)
    return (
        alt.Chart(alt.Data(values=values), width=width, height=280)
        .mark_bar()
        .encode(
            x=alt.X("year:O", title="year", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("total_return:Q", title="return (%)", axis=alt.Axis(format="~%")),
            color=gain_or_loss("total_return"),
            opacity=alt.Opacity(
                "covered:N",
                title=None,
                scale=alt.Scale(domain=["whole year", "part of a year"], range=[1, 0.45]),
                legend=legend if in_part else None,
            ),
            tooltip=[
                "year:O",
                "covered:N",
                alt.Tooltip("total_return:Q", title="return", format=".1%"),
            ],
        )
    )


def gain_or_loss(field: str) -> Any:
    """Color of what is below 0, and of the rest."""
    return alt.condition(f"datum.{field} < 0", alt.value(palette.VERMILION), alt.value(palette.BLUE))
