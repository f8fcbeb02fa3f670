"""Ratios of a backtest, by the desk's own definitions: SQL computes them, or nobody does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.types.json import Jsonb

from runners.database import connection
from runners.engines.base import MetricValue, RunSettings
from runners.settings import Settings
from runners.words import metric_text

ROLLING_SESSIONS = 126
FIRST = (
    "total_return", "annual_return", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "volatility",
    "max_drawdown", "max_drawdown_sessions", "total_trades", "win_rate", "profit_factor", "expectancy",
    "total_fees", "fee_pct", "exposure", "turnover", "ending_value",
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One metric; `value` is None where it is undefined."""

    metric: str
    title: str
    unit: str
    decimals: int
    value: float | None

    @property
    def shown(self) -> str:
        return metric_text(self.value, self.unit, self.decimals)


@dataclass(frozen=True)
class Figures:
    """All metrics, the chief ones first, and the rolling Sharpe ratio by session."""

    metrics: tuple[Figure, ...]
    rolling_sharpe: tuple[tuple[dt.date, float | None], ...]
    sessions_a_year: float
    drawdowns: tuple[dict[str, object], ...]
    """The deepest falls: peak, trough, recovery, depth, sessions, sessions_to_trough."""


def ask(
    metrics: Mapping[str, MetricValue],
    sessions: Sequence[dt.date],
    equity: Sequence[float],
    run: RunSettings,
    settings: Settings,
) -> Figures | None:
    """What SQL says; None where there is no desk to ask."""
    try:
        viewer = connection.connect("viewer", settings=settings)
    except connection.DatabaseUnavailable:
        return None
    with viewer:
        try:
            (year,) = viewer.execute(
                "select desk.sessions_a_year(%s, %s, %s::date[])",
                (list(run.symbols), run.timeframe, list(sessions)),
            ).fetchone() or (0.0,)
            rows = viewer.execute(
                "select * from desk.backtest_figures(%s, 0, %s)", (Jsonb(metrics), year)
            ).fetchall()
            rolling = viewer.execute(
                "select session, sharpe_ratio from desk.rolling_sharpe(%s::date[], %s::float8[], %s, %s, %s)",
                (list(sessions), list(equity), run.cash, ROLLING_SESSIONS, year),
            ).fetchall()
            falls = viewer.execute(
                "select to_jsonb(d) from desk.curve_drawdowns(%s::date[], %s::float8[], %s) as d",
                (list(sessions), list(equity), run.cash),
            ).fetchall()
        except psycopg.errors.UndefinedFunction:
            return None
    figures = [Figure(*row) for row in rows]
    place = {name: position for position, name in enumerate(FIRST)}
    figures.sort(key=lambda figure: place.get(figure.metric, len(FIRST)))
    # Of a benchmark that a single backtest does not have.
    known = [figure for figure in figures if figure.value is not None or figure.metric in place]
    return Figures(tuple(known), tuple(rolling), year, tuple(fall for (fall,) in falls))
