"""How the leaderboard is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from runners.leaderboard import Entry, parameters_text, symbols_text

COLUMNS: dict[str, Any] = {
    "rank": st.column_config.NumberColumn("rank", width=50, help="Passed first, then by Sharpe ratio."),
    "strategy": st.column_config.TextColumn("strategy"),
    "status": st.column_config.TextColumn("status"),
    "passed": st.column_config.CheckboxColumn("passed", width=60),
    "sharpe_ratio": st.column_config.NumberColumn("Sharpe", format="%.2f"),
    "annual_return": st.column_config.NumberColumn("annual return", format="%.1f%%"),
    "max_drawdown": st.column_config.NumberColumn("drawdown", format="%.1f%%"),
    "trades": st.column_config.NumberColumn("trades", format="localized"),
    "win_rate": st.column_config.NumberColumn("win rate", format="%.1f%%"),
    "profit_factor": st.column_config.NumberColumn("profit factor", format="%.2f"),
    "fee_pct": st.column_config.NumberColumn("fees", format="%.1f%%", help="Of the starting capital."),
    "trials": st.column_config.NumberColumn(
        "trials", format="localized", help="Backtests of the strategy that this one was picked from."
    ),
    "parameters": st.column_config.TextColumn("parameters", width="medium"),
    "symbols": st.column_config.TextColumn("symbols"),
    "window": st.column_config.TextColumn("window"),
    "rejected for": st.column_config.TextColumn("rejected for", width="large"),
    "finished_at": st.column_config.DatetimeColumn("finished (UTC)", format="YYYY-MM-DD HH:mm"),
    "backtest_result_id": st.column_config.NumberColumn("result", format="%d"),
}
_FRACTIONS = ("annual_return", "max_drawdown", "win_rate", "fee_pct")


def table(entries: Sequence[Entry]) -> pd.DataFrame:
    """The board as a data frame in the order of COLUMNS."""
    frame = pd.DataFrame(
        [
            {
                **{name: getattr(entry, name) for name in COLUMNS if hasattr(entry, name)},
                "symbols": symbols_text(entry.symbols),
                "parameters": parameters_text(entry.parameters),
                "window": _window(entry),
                "rejected for": "; ".join(entry.rejection_reasons),
            }
            for entry in entries
        ],
        columns=list(COLUMNS),
    )
    for name in _FRACTIONS:
        frame[name] = frame[name].astype(float) * 100
    frame["finished_at"] = pd.to_datetime(frame["finished_at"], utc=True)
    return frame


def return_and_drawdown(entries: Sequence[Entry]) -> alt.Chart | None:
    """Each result by what it earned and what it cost in nerves; nothing where two cannot be compared."""
    shown = [e for e in entries if e.annual_return is not None and e.max_drawdown is not None]
    if len(shown) < 2:
        return None
    frame = pd.DataFrame(
        {
            "drawdown": [e.max_drawdown for e in shown],
            "annual return": [e.annual_return for e in shown],
            "strategy": [e.strategy for e in shown],
            "verdict": ["passed" if e.passed else "rejected" for e in shown],
            "Sharpe": [e.sharpe_ratio for e in shown],
            "parameters": [parameters_text(e.parameters) for e in shown],
        }
    )
    shapes = alt.Scale(domain=["passed", "rejected"], range=["circle", "cross"])
    return (
        alt.Chart(frame)
        .mark_point(size=70, filled=True, opacity=0.75)
        .encode(
            x=alt.X("drawdown:Q", axis=alt.Axis(format=".0%", tickCount=8), scale=alt.Scale(zero=False)),
            y=alt.Y("annual return:Q", axis=alt.Axis(format=".0%"), scale=alt.Scale(zero=False)),
            # Told apart by shape as well as by color.
            color=alt.Color("strategy:N", scale=alt.Scale(scheme="tableau10")),
            shape=alt.Shape("verdict:N", scale=shapes),
            tooltip=[
                "strategy",
                "parameters",
                "verdict",
                alt.Tooltip("Sharpe:Q", format=".2f"),
                alt.Tooltip("annual return:Q", format=".1%"),
                alt.Tooltip("drawdown:Q", format=".1%"),
            ],
        )
        .properties(height=320)
    )


def _window(entry: Entry) -> str:
    return f"{entry.start_date} to {entry.end_date}" if entry.start_date and entry.end_date else ""
