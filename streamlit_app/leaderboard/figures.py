"""How the leaderboard is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from runners.charts import curves, palette
from runners.leaderboard import Entry
from runners.words import parameters_text, symbols_text, window_text
from streamlit_app import links

COLUMNS: dict[str, Any] = {
    "rank": st.column_config.NumberColumn(
        "rank",
        width=50,
        help="Among what fits the filters, by the deflated Sharpe ratio; where that is unknown, passed "
        "first, then by Sharpe ratio.",
    ),
    "result": st.column_config.LinkColumn(
        "result", display_text=r"result=(\d+)", width=60, help="Opens the result on its strategy's page."
    ),
    "strategy": st.column_config.TextColumn("strategy", width=150),
    "status": st.column_config.TextColumn("status", width=75),
    "passed": st.column_config.CheckboxColumn("passed", width=60),
    "checked": st.column_config.TextColumn(
        "code",
        width=60,
        help="What probes found in the code that made it: fault, accepted, note, clean, undecided, or never, "
        "where it was not examined.",
    ),
    "deflated_sharpe": st.column_config.NumberColumn(
        "deflated Sharpe",
        format="%.1f%%",
        width=110,
        help="Probability that the Sharpe ratio is more than the luck of the best of so many trials.",
    ),
    "luck_p": st.column_config.NumberColumn(
        "luck",
        format="%.1f%%",
        width=60,
        help="Chance that the best of as many trials without skill, as alike as these, is as good.",
    ),
    "haircut_sharpe": st.column_config.NumberColumn(
        "haircut Sharpe",
        format="%.2f",
        width=100,
        help="The Sharpe ratio that alone would be as unlikely as this one is among all trials.",
    ),
    "sharpe_ratio": st.column_config.NumberColumn(
        "raw Sharpe", format="%.2f", width=80, help="Annualized, as measured."
    ),
    "equity": st.column_config.LineChartColumn(
        "equity", width=110, help="Value over the window; kept where the run's keep_series says so."
    ),
    "trials": st.column_config.NumberColumn(
        "trials",
        format="localized",
        width=60,
        help="Backtests of the strategy that this one was picked from.",
    ),
    "pbo": st.column_config.NumberColumn(
        "PBO",
        format="%.0f%%",
        width=55,
        help="Probability of backtest overfitting: how often the best of one half of the days is below the "
        "middle in the other half.",
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
        "out of sample",
        format="%.0f%%",
        help="Of the strategy: annual return out of sample over that in sample, of its newest completed "
        "walk-forward.",
    ),
    "walk_forward_efficiency": st.column_config.NumberColumn(
        "this walk-forward", format="%.0f%%", help="The same, of the walk-forward that this result is of."
    ),
    "parameters": st.column_config.TextColumn("parameters", width="medium"),
    "symbols": st.column_config.TextColumn("symbols"),
    "window": st.column_config.TextColumn("window"),
    "engine": st.column_config.TextColumn("engine"),
    "to look at": st.column_config.TextColumn("to look at", width="medium"),
    "rejected for": st.column_config.TextColumn("rejected for", width="large"),
    "finished_at": st.column_config.DatetimeColumn(
        "finished (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"
    ),
    "run": st.column_config.LinkColumn(
        "run", display_text=r"run=(\d+)", width=50, help="Opens the search that it comes from."
    ),
}
_FRACTIONS = (
    "deflated_sharpe", "luck_p", "pbo", "annual_return", "excess_return", "max_drawdown", "win_rate",
    "fee_pct", "out_of_sample_efficiency", "walk_forward_efficiency",
)  # fmt: skip


def table(results: Sequence[Entry], curves: Mapping[int, list[float]]) -> pd.DataFrame:
    """A page of the board as a data frame in the order of COLUMNS."""
    frame = pd.DataFrame(
        [
            {
                **{name: getattr(one, name) for name in COLUMNS if hasattr(one, name)},
                "result": links.strategy_url(one.strategy, one.backtest_result_id),
                "run": links.run_url(one.optimization_run_id, one.strategy),
                "equity": curves.get(one.backtest_result_id),
                "symbols": symbols_text(one.symbols),
                "parameters": parameters_text(one.parameters),
                "window": window_text(one.start_date, one.end_date),
                "to look at": "; ".join(one.flags),
                "rejected for": "; ".join(one.rejection_reasons),
            }
            for one in results
        ],
        columns=list(COLUMNS),
    )
    for name in _FRACTIONS:
        frame[name] = frame[name].astype(float) * 100
    frame["finished_at"] = pd.to_datetime(frame["finished_at"], utc=True)
    return frame


def return_and_drawdown(results: Sequence[Entry]) -> alt.Chart | None:
    """Each result by what it earned and what it cost in nerves; nothing where two cannot be compared."""
    shown = [one for one in results if one.annual_return is not None and one.max_drawdown is not None]
    if len(shown) < 2:
        return None
    frame = pd.DataFrame(
        {
            "drawdown": [one.max_drawdown for one in shown],
            "annual return": [one.annual_return for one in shown],
            "strategy": _largest([one.strategy for one in shown]),
            "verdict": ["passed" if one.passed else "rejected" for one in shown],
            "Sharpe": [one.sharpe_ratio for one in shown],
            "parameters": [parameters_text(one.parameters) for one in shown],
            "url": [links.strategy_url(one.strategy, one.backtest_result_id) for one in shown],
        }
    )
    return (
        alt.Chart(frame)
        .mark_point(size=70, filled=True, opacity=0.9)
        .encode(
            x=alt.X(
                "drawdown:Q",
                title="largest drawdown (%)",
                axis=alt.Axis(format="~%", tickCount=8, labelFlush=True),
                scale=alt.Scale(zero=False),
            ),
            y=alt.Y(
                "annual return:Q",
                title="annual return (%)",
                axis=alt.Axis(format="~%"),
                scale=alt.Scale(zero=False),
            ),
            # Told apart by shape as well as by color.
            color=_by_strategy("strategy", frame["strategy"]),
            shape=alt.Shape(
                "verdict:N",
                title=None,
                scale=alt.Scale(domain=["passed", "rejected"], range=["circle", "cross"]),
                # Below, since beside the other one it would be cut off on a narrow page.
                legend=alt.Legend(
                    orient="bottom", symbolFillColor=palette.GREY, symbolStrokeColor=palette.GREY
                ),
            ),
            href="url:N",
            tooltip=[
                "strategy",
                "parameters",
                "verdict",
                alt.Tooltip("Sharpe:Q", format=".2f"),
                alt.Tooltip("annual return:Q", format=".1%"),
                alt.Tooltip("drawdown:Q", format=".1%"),
            ],
        )
        .properties(height=390)
    )


def funnel(stages: Sequence[dict[str, Any]]) -> Any:
    """Strategies by how far they came; each bar leads to its rows."""
    frame = pd.DataFrame(stages)
    frame["shown"] = [
        f"{stage['strategies']:,}" + ("" if stage["results"] is None else f"  ({stage['results']:,} results)")
        for stage in stages
    ]
    frame["url"] = [FUNNEL_LINKS.get(stage["stage"], "/") for stage in stages]
    most = max(int(frame["strategies"].max()), 1)
    base = alt.Chart(frame).encode(
        y=alt.Y("stage:N", sort=list(frame["stage"]), title=None, axis=alt.Axis(labelLimit=160)),
        # Room on the right for the text at the longest bar.
        x=alt.X(
            "strategies:Q",
            title="strategies",
            axis=curves.counts(),
            scale=alt.Scale(domain=[0, most * 1.5], nice=False),
        ),
        href="url:N",
        tooltip=["stage:N", "strategies:Q", alt.Tooltip("results:Q", format=",")],
    )
    bars = base.mark_bar(color=palette.BLUE, height=18)
    texts = base.mark_text(align="left", dx=5, color=palette.GREY, fontSize=12).encode(text="shown:N")
    return (bars + texts).properties(height=240)


FUNNEL_LINKS = {
    "tried": links.leaderboard_url(results=True),
    "passed criteria": links.leaderboard_url(results=True, passed=True),
    "survived deflation": links.leaderboard_url(results=True, survived=True),
    "walk-forward": links.leaderboard_url(results=True, oos=True, passed=True),
    "paper": links.leaderboard_url(status="paper"),
    "live": links.leaderboard_url(status="live"),
}


def in_and_out_of_sample(folds: Sequence[dict[str, Any]]) -> Any:
    """A dot a fold; on the diagonal nothing was lost on the days after the choice."""
    frame = pd.DataFrame(folds)
    frame["shown"] = _largest(list(frame["strategy"]))
    frame["url"] = [links.walk_forward_url(one["optimization_run_id"], one["strategy"]) for one in folds]
    both = frame[["in_sample_sharpe", "out_of_sample_sharpe"]]
    low, high = min(0.0, float(both.min().min())), max(0.0, float(both.max().max()))
    scale = alt.Scale(domain=[low - 0.1, high + 0.1], nice=True)
    diagonal = (
        alt.Chart(pd.DataFrame({"at": [low, high]}))
        .mark_line(color=palette.GREY, strokeDash=[5, 3])
        .encode(x=alt.X("at:Q", scale=scale), y=alt.Y("at:Q", scale=scale))
    )
    origin = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=palette.GREY, opacity=0.5)
    dots = (
        alt.Chart(frame)
        .mark_point(filled=True, size=70, opacity=0.9)
        .encode(
            x=alt.X(
                "in_sample_sharpe:Q",
                title="Sharpe ratio in sample (annualized)",
                axis=alt.Axis(labelFlush=True),
            ),
            y=alt.Y("out_of_sample_sharpe:Q", title="Sharpe ratio out of sample (annualized)"),
            color=_by_strategy("shown", frame["shown"]),
            href="url:N",
            tooltip=[
                "strategy:N",
                "fold:O",
                alt.Tooltip("in_sample_sharpe:Q", title="in sample", format=".2f"),
                alt.Tooltip("out_of_sample_sharpe:Q", title="out of sample", format=".2f"),
            ],
        )
    )
    return (diagonal + origin.encode(y="at:Q") + origin.encode(x="at:Q") + dots).properties(height=520)


def _largest(names: Sequence[str], kept: int = 5) -> list[str]:
    """The most frequent names; the rest as others, since more colors cannot be told apart."""
    known = list(dict.fromkeys(sorted(names, key=lambda name: (-names.count(name), name))))
    if len(known) <= kept + 1:
        return list(names)
    return [name if name in known[:kept] else "others" for name in names]


def _by_strategy(column: str, names: Iterable[str]) -> alt.Color:
    shown = sorted(set(names), key=lambda name: (name == "others", name))
    colors = [palette.GREY if name == "others" else palette.SERIES[i] for i, name in enumerate(shown)]
    return alt.Color(
        f"{column}:N",
        title=None,
        scale=alt.Scale(domain=shown, range=colors),
        legend=alt.Legend(orient="top", columns=3, labelLimit=220),
    )
