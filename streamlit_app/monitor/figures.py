"""Charts of a trading session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from runners.charts import curves, palette

SEVERITIES = {"critical": palette.VERMILION, "warning": palette.ORANGE, "info": palette.SKY}
USAGE = {"within": palette.BLUE, "near (80 % and more)": palette.ORANGE, "over": palette.VERMILION}
ROW_HEIGHT = 30
# Legend, axis and its title, which Streamlit counts as part of the height.
AROUND = 125


def usage(limits: Sequence[dict[str, Any]]) -> Any:
    """A bar a limit: what is used of what is allowed, with the line that must not be passed."""
    frame = pd.DataFrame(
        {
            "limit": one["limit_name"].removeprefix("max_").replace("_", " "),
            "share": min(one["share"], 1.5),
            "standing": "over"
            if one["share"] > 1
            else "near (80 % and more)"
            if one["share"] >= 0.8
            else "within",
            "words": one["words"],
        }
        for one in limits
    )
    base = alt.Chart(frame).encode(
        y=alt.Y("limit:N", title=None, sort=None, axis=alt.Axis(labelLimit=170, labelOverlap=False))
    )
    domain = [name for name in USAGE if name in set(frame["standing"])]
    bars = base.mark_bar(height=16, cornerRadius=2).encode(
        x=alt.X(
            "share:Q",
            title="used of allowed (%)",
            axis=alt.Axis(format="~%"),
            scale=alt.Scale(domain=[0, 1.5]),
        ),
        color=alt.Color(
            "standing:N",
            title=None,
            scale=alt.Scale(domain=domain, range=[USAGE[name] for name in domain]),
            legend=alt.Legend(orient="top"),
        ),
        tooltip=["limit:N", alt.Tooltip("words:N", title="used of allowed")],
    )
    words = base.mark_text(align="left", dx=5, color=palette.GREY).encode(x="share:Q", text="words:N")
    line = (
        alt.Chart(pd.DataFrame({"share": [1.0]}))
        .mark_rule(color=palette.GREY, strokeDash=[4, 3])
        .encode(x="share:Q")
    )
    return (bars + words + line).properties(height=len(frame) * ROW_HEIGHT + AROUND)


def value(days: Sequence[dict[str, Any]]) -> Any:
    """The account at the end of each day, between its lowest and highest."""
    frame = _frame(days)
    scale = alt.Scale(zero=False)
    band = (
        alt.Chart(frame)
        .mark_area(color=palette.SKY, opacity=0.35)
        .encode(
            x=_days(frame),
            y=alt.Y("low_value:Q", title="value (account currency)", scale=scale),
            y2="high_value:Q",
        )
    )
    line = (
        alt.Chart(frame)
        .mark_line(color=palette.BLUE, strokeWidth=1.5)
        .encode(
            x=_days(frame),
            y=alt.Y("end_value:Q", scale=scale),
            tooltip=["session_date:T", alt.Tooltip("end_value:Q", format=",.2f", title="value")],
        )
    )
    return (band + line).properties(height=280)


def day_profits(days: Sequence[dict[str, Any]], limit: float | None) -> Any:
    """Profit and loss of each day as a share of its begin, with the loss that ends a day's entries."""
    frame = _frame(days)
    frame["what"] = ["gain" if one >= 0 else "loss" for one in frame["day_return"]]
    bars = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=_days(frame),
            y=alt.Y("day_return:Q", title="profit of the day (%)", axis=alt.Axis(format="~%")),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=["gain", "loss"], range=[palette.BLUE, palette.VERMILION]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                "session_date:T",
                alt.Tooltip("day_return:Q", format=".2%", title="profit of the day"),
                alt.Tooltip("day_profit:Q", format=",.2f", title="in money"),
            ],
        )
    )
    if limit is None:
        return bars.properties(height=280)
    rule = alt.Chart(pd.DataFrame({"limit": [-limit], "words": [f"limit {-limit:.1%}"]}))
    line = rule.mark_rule(color=palette.GREY, strokeDash=[4, 3]).encode(y="limit:Q")
    word = rule.mark_text(align="left", dy=9, color=palette.GREY).encode(
        y="limit:Q", x=alt.value(4), text="words:N"
    )
    return (bars + line + word).properties(height=280)


def risk_events(counts: Sequence[dict[str, Any]]) -> Any:
    """Events by limit, colored by severity."""
    frame = pd.DataFrame(counts)
    frame["limit"] = [name.removeprefix("max_").replace("_", " ") for name in frame["limit_name"]]
    domain = [name for name in SEVERITIES if name in set(frame["severity"])]
    return (
        alt.Chart(frame)
        .mark_bar(height=16, cornerRadius=2)
        .encode(
            x=alt.X("events:Q", title="events", axis=curves.counts()),
            y=alt.Y("limit:N", title=None, sort="-x", axis=alt.Axis(labelLimit=170, labelOverlap=False)),
            color=alt.Color(
                "severity:N",
                title=None,
                scale=alt.Scale(domain=domain, range=[SEVERITIES[name] for name in domain]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=["limit:N", "severity:N", "events:Q"],
        )
        .properties(height=frame["limit"].nunique() * ROW_HEIGHT + AROUND)
    )


def _days(frame: pd.DataFrame) -> alt.X:
    days = frame["session_date"].dt.date
    return curves.time_axis("session_date", days.min(), days.max(), naive=True)


def _frame(days: Sequence[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(days)
    frame["session_date"] = pd.to_datetime(frame["session_date"])
    return frame
