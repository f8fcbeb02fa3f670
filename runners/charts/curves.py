"""What has a value a session: curves, how far one is below its peak, the rolling Sharpe ratio."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import altair as alt

from runners.charts import palette

Rows = Sequence[Mapping[str, Any]]
# Of a window with more days than the first: a tick each, and how it is written.
TICKS = ((800, "year", "%Y"), (90, "month", "%b %Y"), (10, "week", "%d %b"), (-1, "day", "%d %b"))
Width = int | str

# Room for labels that is the same in all, so that charts one above the other have one axis of time.
EXTENT = 50
# As many digits as it takes to tell one tick from the next.
PER_CENT, MONEY = "~%", ",~f"


def lines(
    rows: Rows,
    colors: Mapping[str, str],
    *,
    money: bool = False,
    dashed: Collection[str] = (),
    labels: bool = True,
    log: bool = False,
    title: str = "return since the start (%)",
    width: Width = "container",
    height: int = 300,
) -> Any:
    """A line for each name in `colors`; a row has `session`, `name` and `value`: a return since the start, or
    the money of one account. Without labels the axis of time is that of a chart below it. On a logarithmic
    axis equal distances are equal gains."""
    form, tip = (MONEY, ",.2f") if money else (PER_CENT, ".1%")
    axis: dict[str, Any] = {"format": form}
    field, scale = "value", alt.Scale(zero=not money, nice=False)
    if log and not money:
        # A loss has no logarithm: what is drawn is the growth, and the axis says what that is as a return.
        rows = [{**row, "growth": 1 + row["value"]} for row in rows if row["value"] > -1]
        axis = {"labelExpr": f"format(datum.value - 1, '{form}')"}
        field = "growth"
    if log:
        scale = alt.Scale(type="log", nice=False)
    names = list(colors)
    dashes = [[5, 3] if name in dashed else [1, 0] for name in names]
    widths = [1.2 if name in dashed else 1.8 for name in names]
    return (
        _chart(rows, width, height)
        .mark_line()
        .encode(
            x=_sessions(rows, labels=labels),
            y=alt.Y(
                f"{field}:Q",
                title="account value" if money else title,
                axis=alt.Axis(minExtent=EXTENT, labelOverlap=True, **axis),
                scale=scale,
            ),
            color=alt.Color(
                "name:N",
                title=None,
                scale=alt.Scale(domain=names, range=list(colors.values())),
                legend=None if money else alt.Legend(orient="top", labelLimit=300),
            ),
            strokeDash=alt.StrokeDash("name:N", legend=None, scale=alt.Scale(domain=names, range=dashes)),
            strokeWidth=alt.StrokeWidth("name:N", legend=None, scale=alt.Scale(domain=names, range=widths)),
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
                axis=alt.Axis(format=PER_CENT, tickCount=4, minExtent=EXTENT),
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
                axis=alt.Axis(format="~g", minExtent=EXTENT),
            ),
            tooltip=["session:N", alt.Tooltip("sharpe_ratio:Q", title="Sharpe ratio", format=".2f")],
        )
    )
    zero = alt.Chart(alt.Data(values=[{"at": 0}])).mark_rule(color=palette.GREY, strokeDash=[4, 3])
    return line + zero.encode(y="at:Q")


def time_axis(
    field: str,
    first: dt.date,
    last: dt.date,
    *,
    title: str | None = "session",
    labels: bool = True,
    naive: bool = False,
    domain: Sequence[Any] | None = None,
) -> alt.X:
    """Years on a long window, months or days on a short one. A field is dates as text, which a browser takes
    for UTC; or, where it is `naive`, times without a zone, which it takes for its own: hours within a day."""
    days = (last - first).days
    _, unit, shown = next(ticks for ticks in TICKS if days > ticks[0])
    if naive and days < 2:
        unit, shown = "hour", "%d %b %H:%M"
    kind: Any = "time" if naive else "utc"
    scale = alt.Scale(type=kind) if domain is None else alt.Scale(type=kind, domain=domain, nice=False)
    axis = alt.Axis(format=shown, tickCount=unit, labelOverlap=True, labels=labels, ticks=labels)
    return alt.X(f"{field}:T", title=title if labels else None, axis=axis, scale=scale)


def counts() -> alt.Axis:
    """Whole numbers: a tick between two of them has no label."""
    return alt.Axis(labelExpr="datum.value % 1 ? '' : format(datum.value, ',')", tickMinStep=1)


def _sessions(rows: Rows, *, labels: bool = True, title: str | None = "session") -> alt.X:
    found = [dt.date.fromisoformat(str(row["session"])) for row in rows]
    return time_axis("session", min(found), max(found), labels=labels, title=title)


def _chart(rows: Rows, width: Width, height: int) -> Any:
    values = [{**row, "session": str(row["session"])} for row in rows]
    return alt.Chart(alt.Data(values=values), width=width, height=height)


def strip(rows: Rows, selection: str, *, zero: bool = True) -> Any:
    """A flat chart of the whole curve, on which a part of the time is chosen."""
    chosen = alt.selection_interval(name=selection, encodings=["x"])
    return (
        _chart(rows, "container", 130)
        .mark_area(color=palette.SKY, opacity=0.5, line={"color": palette.BLUE, "strokeWidth": 1})
        .encode(
            x=_sessions(rows, title=None),
            y=alt.Y(
                "value:Q",
                title=None,
                axis=alt.Axis(labels=False, ticks=False, minExtent=EXTENT),
                scale=alt.Scale(zero=zero),
            ),
        )
        .add_params(chosen)
    )
