"""How the leaderboard is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from runners.leaderboard import Entry, parameters_text, symbols_text
from streamlit_app import links, palette

COLUMNS: dict[str, Any] = {
    "rank": st.column_config.NumberColumn(
        "rank",
        width=50,
        help="By the deflated Sharpe ratio; where it is unknown, passed first, then by Sharpe.",
    ),
    "open": st.column_config.LinkColumn("open", display_text="open", width=55),
    "strategy": st.column_config.TextColumn("strategy"),
    "status": st.column_config.TextColumn("status", width=80),
    "passed": st.column_config.CheckboxColumn("passed", width=60),
    "deflated_sharpe": st.column_config.NumberColumn(
        "deflated",
        format="%.1f%%",
        width=75,
        help="Probability that the Sharpe ratio is more than the luck of the best of so many trials.",
    ),
    "sharpe_ratio": st.column_config.NumberColumn("Sharpe", format="%.2f", width=65),
    "pbo": st.column_config.NumberColumn(
        "PBO",
        format="%.0f%%",
        width=55,
        help="Probability of backtest overfitting: how often the best of one half of the days is below the "
        "middle in the other half.",
    ),
    "trials": st.column_config.NumberColumn(
        "trials",
        format="localized",
        width=60,
        help="Backtests of the strategy that this one was picked from.",
    ),
    "annual_return": st.column_config.NumberColumn("annual return", format="%.1f%%"),
    "excess_return": st.column_config.NumberColumn(
        "over benchmark",
        format="%.1f%%",
        help="Annual return less that of buy and hold, or of the benchmark.",
    ),
    "max_drawdown": st.column_config.NumberColumn("drawdown", format="%.1f%%"),
    "trades": st.column_config.NumberColumn("trades", format="localized", width=65),
    "win_rate": st.column_config.NumberColumn("win rate", format="%.1f%%"),
    "profit_factor": st.column_config.NumberColumn("profit factor", format="%.2f"),
    "fee_pct": st.column_config.NumberColumn("fees", format="%.1f%%", help="Of the starting capital."),
    "out_of_sample_efficiency": st.column_config.NumberColumn(
        "out of sample", format="%.0f%%", help="Annual return out of sample over that in sample."
    ),
    "parameters": st.column_config.TextColumn("parameters", width="medium"),
    "symbols": st.column_config.TextColumn("symbols"),
    "window": st.column_config.TextColumn("window"),
    "rejected for": st.column_config.TextColumn("rejected for", width="large"),
    "finished_at": st.column_config.DatetimeColumn("finished (UTC)", format="YYYY-MM-DD HH:mm"),
    "backtest_result_id": st.column_config.NumberColumn("result", format="%d"),
}
_FRACTIONS = (
    "deflated_sharpe", "pbo", "annual_return", "excess_return", "max_drawdown", "win_rate", "fee_pct",
    "out_of_sample_efficiency",
)  # fmt: skip


def table(entries: Sequence[Entry]) -> pd.DataFrame:
    """The board as a data frame in the order of COLUMNS."""
    frame = pd.DataFrame(
        [
            {
                **{name: getattr(entry, name) for name in COLUMNS if hasattr(entry, name)},
                "open": links.strategy_url(entry.strategy, entry.backtest_result_id),
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
            x=alt.X(
                "drawdown:Q",
                title="largest drawdown (%)",
                axis=alt.Axis(format=".0%", tickCount=8),
                scale=alt.Scale(zero=False),
            ),
            y=alt.Y(
                "annual return:Q",
                title="annual return (%)",
                axis=alt.Axis(format=".0%"),
                scale=alt.Scale(zero=False),
            ),
            # Told apart by shape as well as by color.
            color=alt.Color("strategy:N", scale=alt.Scale(range=palette.SERIES)),
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


def funnel(stages: Sequence[dict[str, Any]]) -> Any:
    """Strategies by how far they came."""
    frame = pd.DataFrame(stages)
    frame["shown"] = [
        f"{stage['strategies']:,}" + ("" if stage["results"] is None else f"  ({stage['results']:,} results)")
        for stage in stages
    ]
    most = max(int(frame["strategies"].max()), 1)
    base = alt.Chart(frame).encode(
        y=alt.Y("stage:N", sort=list(frame["stage"]), title=None, axis=alt.Axis(labelLimit=160)),
        # Room on the right for the text at the longest bar.
        x=alt.X(
            "strategies:Q",
            title="strategies",
            axis=alt.Axis(tickMinStep=1, format="d"),
            scale=alt.Scale(domain=[0, most * 1.3], nice=False),
        ),
    )
    bars = base.mark_bar(color=palette.BLUE, height=16)
    texts = base.mark_text(align="left", dx=5, color=palette.GREY, fontSize=12).encode(text="shown:N")
    return (bars + texts).properties(height=200)


def _window(entry: Entry) -> str:
    return f"{entry.start_date} to {entry.end_date}" if entry.start_date and entry.end_date else ""
