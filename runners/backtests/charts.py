"""Vega-Lite charts of a backtest's document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import altair as alt

BLUE, RED, GREY = "#2f6f9f", "#b5403a", "#8a8f98"
WIDTH = 860
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def charts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Titles and charts, in the order of the page; one without data is left out."""
    drawn = {
        "Equity": equity(document),
        "Drawdown": drawdown(document),
        "Monthly returns": monthly(document),
        "Yearly returns": yearly(document),
        "Trades": trades(document),
        "Rolling Sharpe ratio, 126 sessions": rolling_sharpe(document),
    }
    return {title: chart for title, chart in drawn.items() if chart is not None}


def overview(document: Mapping[str, Any]) -> Any:
    """Equity over drawdown, for a picture."""
    return alt.vconcat(equity(document, height=280), drawdown(document)).configure_view(stroke=None)


def equity(document: Mapping[str, Any], height: int = 260) -> Any:
    rows = [{"session": row["session"], "value": row["value"]} for row in document["equity"]]
    value = alt.Y("value:Q", title="account value", scale=alt.Scale(zero=False))
    tip = ["session:N", alt.Tooltip("value:Q", format=",.2f")]
    line = _chart(rows, height).mark_line(color=BLUE, strokeWidth=1.4)
    return line.encode(x=_time("session", document), y=value, tooltip=tip)


def drawdown(document: Mapping[str, Any]) -> Any:
    rows = [{"session": row["session"], "drawdown": -row["drawdown"]} for row in document["equity"]]
    depth = alt.Y("drawdown:Q", title="below the peak", axis=alt.Axis(format=".0%"))
    tip = ["session:N", alt.Tooltip("drawdown:Q", format=".1%")]
    area = _chart(rows, 150).mark_area(color=RED, opacity=0.55)
    return area.encode(x=_time("session", document), y=depth, tooltip=tip)


def monthly(document: Mapping[str, Any]) -> Any:
    rows = [
        {
            "year": period[:4],
            "month": MONTHS[int(period[5:]) - 1],
            "return": value,
            "shown": f"{value * 100:.1f}",
        }
        for period, value in document["monthly_returns"]["months"].items()
        if value is not None
    ]
    if not rows:
        return None
    most = max(abs(row["return"]) for row in rows) or 0.01
    base = _chart(rows, 24 * len({row["year"] for row in rows})).encode(
        x=alt.X("month:O", sort=list(MONTHS), title=None, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("year:O", title=None),
        tooltip=["year:O", "month:O", alt.Tooltip("return:Q", format=".2%")],
    )
    scale = alt.Scale(scheme="redblue", domain=[-most, most])
    cells = base.mark_rect().encode(color=alt.Color("return:Q", scale=scale, legend=None))
    dark = f"abs(datum.return) > {0.6 * most}"
    return cells + base.mark_text(fontSize=11).encode(
        text="shown:N", color=alt.condition(dark, alt.value("white"), alt.value("#222"))
    )


def yearly(document: Mapping[str, Any]) -> Any:
    rows = [
        {"year": year, "return": value}
        for year, value in document["monthly_returns"]["years"].items()
        if value is not None
    ]
    if not rows:
        return None
    return (
        _chart(rows, 180)
        .mark_bar(size=min(60, 700 // len(rows)))
        .encode(
            x=alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("return:Q", title="return", axis=alt.Axis(format=".0%")),
            color=_sign("return"),
            tooltip=["year:O", alt.Tooltip("return:Q", format=".2%")],
        )
    )


def trades(document: Mapping[str, Any]) -> Any:
    keys = ("symbol", "side", "entry_time", "exit_time", "profit", "bars")
    # With a Z, for a browser takes a time without one for its own.
    rows = [
        {key: row[key] for key in keys} | {"exit_time": row["exit_time"] + "Z"}
        for row in document["trade_log"]
    ]
    if not rows:
        return None
    return (
        _chart(rows, 200)
        .mark_point(filled=True, size=34, opacity=0.7)
        .encode(
            x=_time("exit_time", document),
            y=alt.Y("profit:Q", title="profit after fees"),
            color=_sign("profit"),
            tooltip=["symbol:N", "side:N", "entry_time:N", "exit_time:N", "bars:Q",
                     alt.Tooltip("profit:Q", format=",.2f")],
        )
    )  # fmt: skip


def rolling_sharpe(document: Mapping[str, Any]) -> Any:
    rows = [{"session": day, "sharpe": value} for day, value in document["rolling_sharpe"]]
    if not rows:
        return None
    line = _chart(rows, 160).mark_line(color=BLUE, strokeWidth=1.2)
    tip = ["session:N", alt.Tooltip("sharpe:Q", format=".2f")]
    zero = alt.Chart(alt.Data(values=[{"sharpe": 0}])).mark_rule(color=GREY).encode(y="sharpe:Q")
    ratio = alt.Y("sharpe:Q", title="Sharpe ratio")
    return line.encode(x=_time("session", document), y=ratio, tooltip=tip) + zero


def _chart(rows: list[dict[str, Any]], height: int) -> Any:
    return alt.Chart(alt.Data(values=rows), width=WIDTH, height=height)


def _time(field: str, document: Mapping[str, Any]) -> Any:
    """In UTC, as the bars are; years on a long window, months or days on a short one."""
    first, last = (dt.date.fromisoformat(document[key]) for key in ("start_date", "end_date"))
    days = (last - first).days
    unit, shown = ("year", "%Y") if days > 800 else ("month", "%b %Y") if days > 90 else ("week", "%d %b")
    ticks = {"format": shown, "tickCount": unit}
    return alt.X(f"{field}:T", title=None, axis=alt.Axis(**ticks), scale=alt.Scale(type="utc"))


def _sign(field: str) -> Any:
    return alt.condition(f"datum.{field} < 0", alt.value(RED), alt.value(BLUE))
