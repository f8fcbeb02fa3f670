"""How a strategy's result is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from streamlit_app import palette
from streamlit_app.values import metric_text, per_cent

Rows = Sequence[dict[str, Any]]

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MARKS = {True: "✔ met", False: "✘ not met", None: "… open"}
TRADE_COLUMNS: dict[str, Any] = {
    "trade": st.column_config.NumberColumn("trade", width=60),
    "symbol": st.column_config.TextColumn("symbol", width=70),
    "entry_time": st.column_config.DatetimeColumn("entry (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
    "exit_time": st.column_config.DatetimeColumn("exit (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
    "size": st.column_config.NumberColumn("units", format="%.4g"),
    "entry_price": st.column_config.NumberColumn("entry price", format="%.2f"),
    "exit_price": st.column_config.NumberColumn("exit price", format="%.2f"),
    "profit": st.column_config.NumberColumn("profit after fees", format="%.2f"),
    "fees": st.column_config.NumberColumn("fees", format="%.2f"),
}


def checklist(checks: Rows) -> pd.DataFrame:
    """Each criterion with what was asked for, what it is, and a tick or a cross."""
    return pd.DataFrame(
        [
            {
                "": MARKS[check["met"]],
                "criterion": check["title"],
                "value": metric_text(check["value"], check["unit"], check["decimals"]),
                "asked for": f"{check['comparison']} "
                + metric_text(check["threshold"], check["unit"], check["decimals"]),
                "from": check["source"],
            }
            for check in checks
        ]
    )


def months(found: Rows) -> Any:
    """Years down, months across, each cell its return in per cent."""
    frame = pd.DataFrame(found)
    frame["name"] = [MONTHS[int(month) - 1] for month in frame["month"]]
    most = float(frame["total_return"].abs().max()) or 0.01
    base = alt.Chart(frame).encode(
        x=alt.X("name:O", sort=MONTHS, title=None, axis=alt.Axis(orient="top", labelAngle=0)),
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
    numbers = base.mark_text(fontSize=11).encode(
        text=alt.Text("total_return:Q", format=".1%"),
        color=alt.condition(dark, alt.value("white"), alt.value("#222")),
    )
    return (cells + numbers).properties(height=26 * frame["year"].nunique() + 30)


def years(periods: Rows) -> alt.Chart:
    frame = pd.DataFrame(periods)
    frame["whole"] = ["whole year" if complete else "part of a year" for complete in frame["complete"]]
    gain = alt.condition("datum.total_return < 0", alt.value(palette.VERMILION), alt.value(palette.BLUE))
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("period:O", title="year", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("total_return:Q", title="return (%)", axis=alt.Axis(format=".0%")),
            color=gain,
            opacity=alt.Opacity(
                "whole:N",
                title=None,
                scale=alt.Scale(domain=["whole year", "part of a year"], range=[1, 0.45]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=["period:O", "whole:N", alt.Tooltip("total_return:Q", format=".1%")],
        )
        .properties(height=280)
    )


def crises(periods: Rows) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "crisis": period["period"],
                "from": period["start_date"],
                "to": period["end_date"],
                "return": per_cent(period["total_return"]),
                "drawdown": per_cent(period["max_drawdown"]),
                "covered": "whole" if period["complete"] else "in part",
            }
            for period in periods
        ]
    )


def fees(costs: Rows) -> alt.Chart:
    return (
        alt.Chart(pd.DataFrame(costs))
        .mark_line(point=alt.OverlayMarkDef(size=60, color=palette.BLUE), color=palette.BLUE)
        .encode(
            x=alt.X("multiple:Q", title="times the fees that were paid", axis=alt.Axis(tickCount=5)),
            y=alt.Y("total_return:Q", title="total return (%)", axis=alt.Axis(format=".0%")),
            tooltip=[
                "multiple:Q",
                alt.Tooltip("total_fees:Q", format=",.0f"),
                alt.Tooltip("total_return:Q", format=".1%"),
            ],
        )
        .properties(height=280)
    )


def parameter_slice(values: Rows, chosen: Any) -> Any:
    """Mean and best of the target at each value; the value of this result as a rule."""
    numeric = all(
        isinstance(one["value"], int | float) and not isinstance(one["value"], bool) for one in values
    )
    lines = [
        {
            "value": one["value"] if numeric else str(one["value"]),
            "what": what,
            "target": one[column],
            "tried": one["evaluations"],
        }
        for one in values
        for what, column in (("best", "best_target"), ("mean", "mean_target"))
        if one[column] is not None
    ]
    kind = "Q" if numeric else "N"
    target = str(values[0]["target_metric"]).replace("_", " ")
    scale = alt.Scale(domain=["best", "mean"], range=[palette.ORANGE, palette.BLUE])
    x = alt.X(f"value:{kind}", title=values[0]["parameter"].replace("_", " "), scale=alt.Scale(zero=False))
    drawn = (
        alt.Chart(pd.DataFrame(lines, columns=["value", "what", "target", "tried"]))
        .mark_line(point=True)
        .encode(
            x=x if numeric else alt.X("value:N", title=values[0]["parameter"].replace("_", " ")),
            y=alt.Y("target:Q", title=target, scale=alt.Scale(zero=False)),
            color=alt.Color("what:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            tooltip=["what:N", f"value:{kind}", alt.Tooltip("target:Q", format=".3f"), "tried:Q"],
        )
    )
    if chosen is None:
        return drawn.properties(height=260)
    mark = alt.Chart(pd.DataFrame({"value": [chosen if numeric else str(chosen)]}))
    rule = mark.mark_rule(strokeDash=[4, 3], color=palette.GREY).encode(x=f"value:{kind}")
    return (drawn + rule).properties(height=260)
