"""How trades are drawn: on their prices, and by how far each went against and for its holder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from runners.charts import curves, palette

Rows = Sequence[dict[str, Any]]

# More candles than this cannot be told apart.
CANDLES = 300
VERDICTS = alt.Scale(domain=["won", "lost"], range=[palette.BLUE, palette.VERMILION])
SIDES = alt.Scale(
    domain=["entry, long", "entry, short", "exit"], range=["triangle-up", "triangle-down", "cross"]
)
COLUMNS: dict[str, Any] = {
    "trade": st.column_config.NumberColumn("trade", width=60),
    "symbol": st.column_config.TextColumn("symbol", width=70),
    "entry_time": st.column_config.DatetimeColumn("entry (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
    "exit_time": st.column_config.DatetimeColumn("exit (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
    "bars": st.column_config.NumberColumn("bars held", width=80),
    "size": st.column_config.NumberColumn("units", format="%.4g", help="Negative when short."),
    "entry_price": st.column_config.NumberColumn("entry price", format="%.2f"),
    "exit_price": st.column_config.NumberColumn("exit price", format="%.2f"),
    "profit": st.column_config.NumberColumn("profit after fees", format="%.2f"),
    "fees": st.column_config.NumberColumn("fees", format="%.2f"),
    "trade_return": st.column_config.NumberColumn(
        "return", format="%.1f%%", help="After fees, of the money at the entry."
    ),
    "adverse": st.column_config.NumberColumn(
        "MAE",
        format="%.1f%%",
        help="Maximum adverse excursion: how far the price went against the trade, of the entry price.",
    ),
    "favourable": st.column_config.NumberColumn(
        "MFE",
        format="%.1f%%",
        help="Maximum favourable excursion: how far the price went for the trade, of the entry price.",
    ),
}


def table(trades: Rows) -> pd.DataFrame:
    frame = pd.DataFrame(trades, columns=list(COLUMNS))
    for name in ("trade_return", "adverse", "favourable"):
        frame[name] = frame[name].astype(float) * 100
    return frame


def on_prices(prices: Rows, trades: Rows, currency: str, *, candles: bool = True) -> Any:
    """The symbol's prices, with entries and exits on them, joined by a line a trade: candles where there are
    few enough to be told apart, filled where the close is below the open; else the close."""
    line = pd.DataFrame(prices)
    line["bar_time"] = _naive(line["bar_time"])
    # Only what the line covers: a trade that began before a close-up, or ended after it, is cut there.
    ends = [_moment(line["bar_time"].min()), _moment(line["bar_time"].max())]
    days = line["bar_time"].min().date(), line["bar_time"].max().date()
    x = curves.time_axis("bar_time", *days, title="bar (UTC)", naive=True, domain=ends)
    y = alt.Y("close:Q", title=f"adjusted price ({currency})", scale=alt.Scale(zero=False))
    base = alt.Chart(line).encode(
        x=x,
        tooltip=[
            alt.Tooltip("bar_time:T", title="bar (UTC)", format="%Y-%m-%d %H:%M"),
            *(alt.Tooltip(f"{name}:Q", format=",.2f") for name in ("open", "high", "low", "close")),
        ],
    )
    if candles and len(line) <= CANDLES:
        body = alt.Y("open:Q", title=f"adjusted price ({currency})", scale=alt.Scale(zero=False))
        closes = base.mark_rule(color=palette.GREY).encode(
            y=alt.Y("low:Q", title=f"adjusted price ({currency})", scale=alt.Scale(zero=False)), y2="high:Q"
        ) + base.mark_bar(
            size=max(1.5, min(9.0, 480 / len(line))), stroke=palette.GREY, strokeWidth=1
        ).encode(
            y=body,
            y2="close:Q",
            fill=alt.condition("datum.close < datum.open", alt.value(palette.GREY), alt.value("transparent")),
        )
    else:
        closes = base.mark_line(color=palette.GREY, strokeWidth=1.2).encode(y=y)
    if not trades:
        return closes.properties(height=340)
    deals = pd.DataFrame(trades)
    for name in ("entry_time", "exit_time"):
        deals[name] = _naive(deals[name])
    deals["verdict"] = _verdicts(trades)
    color = alt.Color("verdict:N", title=None, scale=VERDICTS, legend=alt.Legend(orient="top"))
    ways = (
        alt.Chart(deals)
        .mark_rule(strokeWidth=2, clip=True)
        .encode(x="entry_time:T", x2="exit_time:T", y="entry_price:Q", y2="exit_price:Q", color=color)
    )
    marks = pd.DataFrame(
        {
            "trade": deal["trade"],
            "at": deal[f"{what}_time"],
            "price": deal[f"{what}_price"],
            "what": "exit" if what == "exit" else "entry, short" if deal["size"] < 0 else "entry, long",
            "verdict": deal["verdict"],
            "units": deal["size"],
            "trade_return": deal["trade_return"],
        }
        for deal in deals.to_dict("records")
        for what in ("entry", "exit")
    )
    points = (
        alt.Chart(marks)
        .mark_point(filled=True, size=70, opacity=0.9, clip=True)
        .encode(
            x="at:T",
            y="price:Q",
            color=color,
            shape=alt.Shape(
                "what:N",
                title=None,
                scale=SIDES,
                legend=alt.Legend(
                    orient="top", symbolFillColor=palette.GREY, symbolStrokeColor=palette.GREY
                ),
            ),
            tooltip=[
                "trade:Q",
                alt.Tooltip("what:N", title="what"),
                alt.Tooltip("at:T", title="at (UTC)", format="%Y-%m-%d %H:%M"),
                alt.Tooltip("price:Q", format=",.2f"),
                alt.Tooltip("units:Q", format=",.4~g"),
                alt.Tooltip("trade_return:Q", title="return after fees", format=".1%"),
            ],
        )
    )
    return (closes + ways + points).properties(height=340)


def excursions(trades: Rows) -> Any:
    """Each trade by how far it went against its holder and for him; won and lost apart by color and shape."""
    frame = pd.DataFrame(trades)[["trade", "symbol", "adverse", "favourable", "trade_return"]]
    frame["verdict"] = _verdicts(trades)
    return (
        alt.Chart(frame.dropna(subset=["adverse", "favourable"]))
        .mark_point(filled=True, size=55, opacity=0.75)
        .encode(
            x=alt.X(
                "adverse:Q",
                title="maximum adverse excursion (% of the entry price)",
                axis=alt.Axis(format="~%", tickCount=8),
            ),
            y=alt.Y(
                "favourable:Q",
                title="maximum favourable excursion (%)",
                axis=alt.Axis(format="~%"),
            ),
            color=alt.Color("verdict:N", title=None, scale=VERDICTS, legend=alt.Legend(orient="top")),
            shape=alt.Shape(
                "verdict:N", title=None, scale=alt.Scale(domain=["won", "lost"], range=["circle", "cross"])
            ),
            tooltip=[
                "trade:Q",
                "symbol:N",
                alt.Tooltip("adverse:Q", title="adverse", format=".1%"),
                alt.Tooltip("favourable:Q", title="favourable", format=".1%"),
                alt.Tooltip("trade_return:Q", title="return after fees", format=".1%"),
            ],
        )
        .properties(height=320)
    )


def _verdicts(trades: Rows) -> list[str]:
    return ["won" if trade["profit"] > 0 else "lost" for trade in trades]


def _naive(times: Any) -> Any:
    """UTC without its zone: a browser would turn a time with one into its own."""
    return pd.to_datetime(times, utc=True).dt.tz_localize(None)


def _moment(at: pd.Timestamp) -> alt.DateTime:
    return alt.DateTime(year=at.year, month=at.month, date=at.day, hours=at.hour, minutes=at.minute)
