"""The charts of a backtest's document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import altair as alt

from runners.charts import curves, palette, periods

# Of a picture; a page's charts are as wide as its window.
WIDTH = 860


def charts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Titles and charts, in the order of the page; one without data is left out."""
    drawn = {
        "Equity": _equity(document, height=260),
        "Against the benchmark": _benchmark(document),
        "Drawdown": _drawdown(document),
        "Monthly returns": _months(document),
        "Yearly returns": _years(document),
        "Trades": _trades(document),
        "Rolling Sharpe ratio, 126 sessions": _rolling_sharpe(document),
    }
    return {title: chart for title, chart in drawn.items() if chart is not None}


def overview(document: Mapping[str, Any]) -> Any:
    """Equity over drawdown, for a picture."""
    drawn = alt.vconcat(_equity(document, height=280, width=WIDTH), _drawdown(document, width=WIDTH))
    return drawn.configure_view(stroke=None)


def _equity(document: Mapping[str, Any], height: int, width: curves.Width = "container") -> Any:
    rows = [
        {"session": row["session"], "name": "account", "value": row["value"]} for row in document["equity"]
    ]
    return curves.lines(rows, {"account": palette.BLUE}, money=True, width=width, height=height)


def _benchmark(document: Mapping[str, Any]) -> Any:
    """Both from the start on; only a recorded backtest has a benchmark."""
    found = (document.get("standing") or {}).get("benchmark_returns") or []
    if not found:
        return None
    rows = [
        {"session": row["session"], "name": "strategy", "value": row["value"] / document["cash"] - 1}
        for row in document["equity"]
    ] + [{"session": day, "name": "benchmark", "value": value} for day, value in found]
    colors = {"strategy": palette.BLUE, "benchmark": palette.GREY}
    steep = max(row["value"] for row in rows) > 4 and min(row["value"] for row in rows) > -1
    return curves.lines(rows, colors, dashed=("benchmark",), log=steep, height=260)


def _drawdown(document: Mapping[str, Any], width: curves.Width = "container") -> Any:
    return curves.drawdown(document["equity"], width=width, height=150)


def _months(document: Mapping[str, Any]) -> Any:
    rows = [
        {"year": period[:4], "month": int(period[5:]), "total_return": value}
        for period, value in document["monthly_returns"]["months"].items()
        if value is not None
    ]
    return periods.months(rows) if rows else None


def _years(document: Mapping[str, Any]) -> Any:
    rows = [
        {"year": year, "total_return": value}
        for year, value in document["monthly_returns"]["years"].items()
        if value is not None
    ]
    return periods.years(rows) if rows else None


def _trades(document: Mapping[str, Any]) -> Any:
    keys = ("symbol", "side", "entry_time", "exit_time", "profit", "bars")
    # With a Z, for a browser takes a time without one for its own.
    rows = [
        {key: row[key] for key in keys} | {"exit_time": row["exit_time"] + "Z"}
        for row in document["trade_log"]
    ]
    if not rows:
        return None
    first, last = (dt.date.fromisoformat(document[key]) for key in ("start_date", "end_date"))
    return (
        alt.Chart(alt.Data(values=rows), width="container", height=200)
        .mark_point(filled=True, size=34, opacity=0.7)
        .encode(
            x=curves.time_axis("exit_time", first, last, title="exit"),
            y=alt.Y("profit:Q", title="profit after fees", axis=alt.Axis(minExtent=curves.EXTENT)),
            color=periods.gain_or_loss("profit"),
            tooltip=["symbol:N", "side:N", "entry_time:N", "exit_time:N", "bars:Q",
                     alt.Tooltip("profit:Q", format=",.2f")],
        )
    )  # fmt: skip


def _rolling_sharpe(document: Mapping[str, Any]) -> Any:
    rows = [{"session": day, "sharpe_ratio": value} for day, value in document["rolling_sharpe"]]
    return curves.rolling_sharpe(rows, height=160) if rows else None
