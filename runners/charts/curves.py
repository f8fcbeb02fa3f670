"""What has a value a session: curves, how far one is below its peak, the rolling Sharpe ratio."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import altair as alt

from runners.charts import palette

Rows = Sequence[Mapping[str, Any]]
Width = int | str

# Room for labels that is the same in all, so that charts one above the other have one axis of time.
EXTENT = 50


def lines(
    rows: Rows,
    colors: Mapping[str, str],
    *,
    money: bool = False,
    dashed: Collection[str] = (),
    labels: bool = True,
    width: Width = "container",
    height: int = 300,
) -> Any:
    """A line for each name in `colors`; a row has `session`, `name` and `value`: a return since the start, or
    the money of one account. Without labels the axis of time is that of a chart below it."""
    title, form, tip = (
        ("account value", ",.0f", ",.2f") if money else ("return since the start (%)", ".0%", ".1%")
    )
    names = list(colors)
    dashes = [[5, 3] if name in dashed else [1, 0] for name in names]
    return (
        _chart(rows, width, height)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=_sessions(rows, labels=labels),
            y=alt.Y(
                "value:Q",
                title=title,
                axis=alt.Axis(format=form, minExtent=EXTENT),
                scale=alt.Scale(zero=not money, nice=False),
            ),
            color=alt.Color(
                "name:N",
                title=None,
                scale=alt.Scale(domain=names, range=list(colors.values())),
                legend=None if money else alt.Legend(orient="top", labelLimit=300),
            ),
            strokeDash=alt.StrokeDash("name:N", legend=None, scale=alt.Scale(domain=names, range=dashes)),
            tooltip=["session:N", "name:N", alt.Tooltip("value:Q", title="value", format=tip)],
        )
    )


def drawdown(rows: Rows, *, width: Width = "container", height: int = 190) -> Any:
    """`drawdown` of each session: the fraction that it was below its peak."""
    return (
        _chart([{key: row[key] for key in ("session", "drawdown")} for row in rows], width, height)
        .mark_area(color=palette.VERMILION, opacity=0.6)
        .encode(
            x=_sessions(rows),
            y=alt.Y(
                "drawdown:Q",
                title="below peak (%)",
                axis=alt.Axis(format=".0%", tickCount=4, minExtent=EXTENT),
                scale=alt.Scale(reverse=True),
            ),
            tooltip=["session:N", alt.Tooltip("drawdown:Q", title="below peak", format=".1%")],
        )
    )


def rolling_sharpe(rows: Rows, *, width: Width = "container", height: int = 400) -> Any:
    """`sharpe_ratio` of the sessions behind each session; below the line at 0 it lost."""
    line = (
        _chart(rows, width, height)
        .mark_line(color=palette.BLUE, strokeWidth=1.5)
        .encode(
            x=_sessions(rows),
            y=alt.Y(
                "sharpe_ratio:Q",
                title="Sharpe ratio (annualized)",
                axis=alt.Axis(format=".1f", minExtent=EXTENT),
            ),
            tooltip=["session:N", alt.Tooltip("sharpe_ratio:Q", title="Sharpe ratio", format=".2f")],
        )
    )
    zero = alt.Chart(alt.Data(values=[{"at": 0}])).mark_rule(color=palette.GREY, strokeDash=[4, 3])
    return line + zero.encode(y="at:Q")


def time_axis(
    field: str, first: dt.date, last: dt.date, *, title: str = "session", labels: bool = True
) -> alt.X:
    """Years on a long window, months or days on a short one."""
    days = (last - first).days
    unit, shown = ("year", "%Y") if days > 800 else ("month", "%b %Y") if days > 90 else ("week", "%d %b")
    axis = alt.Axis(format=shown, tickCount=unit, labelOverlap=True, labels=labels, ticks=labels)
    return alt.X(f"{field}:T", title=title if labels else None, axis=axis, scale=alt.Scale(type="utc"))


def _sessions(rows: Rows, *, labels: bool = True) -> alt.X:
    found = [dt.date.fromisoformat(str(row["session"])) for row in rows]
    return time_axis("session", min(found), max(found), labels=labels)


def _chart(rows: Rows, width: Width, height: int) -> Any:
    values = [{**row, "session": str(row["session"])} for row in rows]
    return alt.Chart(alt.Data(values=values), width=width, height=height)
