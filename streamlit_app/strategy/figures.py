"""How the curve of a result is drawn: by month, year and crisis, its falls, and what fees left of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from runners.charts import palette
from runners.words import count, metric_text, number, per_cent

Rows = Sequence[dict[str, Any]]

# Times the fees. A break-even farther out would press the curve into a corner; the sentence tells it then.
FARTHEST = 32
MARKS = {True: "✔ met", False: "✘ not met", None: "… open"}


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


def drawdowns(falls: Rows) -> pd.DataFrame:
    """The deepest falls; one that is not over says so."""
    return pd.DataFrame(
        {
            "depth": per_cent(fall["depth"]),
            "peak": str(fall["peak"] or "the start"),
            "trough": str(fall["trough"]),
            "recovered": str(fall["recovery"] or "not yet"),
            "sessions": count(fall["sessions"]),
            "to the trough": count(fall["sessions_to_trough"]),
        }
        for fall in falls
    )


def periods(found: Rows) -> pd.DataFrame:
    """Calendar years or crises, a row each."""
    return pd.DataFrame(
        {
            "period": period["period"],
            "from": str(period["start_date"]),
            "to": str(period["end_date"]),
            "return": per_cent(period["total_return"]),
            "Sharpe": number(period["sharpe_ratio"]),
            "drawdown": per_cent(period["max_drawdown"]),
            "covered": "whole" if period["complete"] else "in part",
        }
        for period in found
    )


def drawn_break_even(break_even: float | None) -> float | None:
    return break_even if break_even is not None and break_even <= FARTHEST else None


def fees(costs: Rows, break_even: float | None) -> Any:
    """Total return over multiples of the fees, with a rule where nothing is left."""
    drawn = (
        alt.Chart(pd.DataFrame(costs))
        .mark_line(point=alt.OverlayMarkDef(size=60, color=palette.BLUE), color=palette.BLUE)
        .encode(
            x=alt.X("multiple:Q", title="times the fees that were paid", axis=alt.Axis(tickCount=5)),
            y=alt.Y("total_return:Q", title="total return (%)", axis=alt.Axis(format="~%")),
            tooltip=[
                alt.Tooltip("multiple:Q", title="times the fees"),
                alt.Tooltip("total_fees:Q", title="fees", format=",.0f"),
                alt.Tooltip("total_return:Q", title="total return", format=".1%"),
            ],
        )
    )
    zero = alt.Chart(pd.DataFrame({"at": [0]})).mark_rule(color=palette.GREY).encode(y="at:Q")
    layers = drawn + zero
    if drawn_break_even(break_even) is not None:
        word = f"nothing left at {number(break_even, 1)} times"
        mark = alt.Chart(pd.DataFrame({"at": [break_even], "word": [word]}))
        layers += mark.mark_rule(color=palette.VERMILION, strokeDash=[4, 3], strokeWidth=2).encode(x="at:Q")
        layers += mark.mark_text(color=palette.VERMILION, align="right", dx=-6, baseline="top").encode(
            x="at:Q", y=alt.value(4), text="word:N"
        )
    return layers.properties(height=280)


def fee_words(costs: Rows, break_even: float | None, fee: float | None) -> str:
    """The break-even in a sentence; `fee` is that of a fill, as a fraction of its value."""
    free = next((one["total_return"] for one in costs if one["multiple"] == 0), None)
    if break_even is None:
        if free is not None and free <= 0:
            return "It would have lost without any fees too."
        return "No multiple of its fees up to 128 takes all that it earned."
    words = f"It breaks even at **{number(break_even, 1)} times** the fees that it paid"
    return words + ("." if fee is None else f", about {per_cent(fee, 3)} of every fill's value.")


