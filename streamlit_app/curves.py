"""Curves of results, as several pages draw them: read from the desk's functions, not worked out here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import pandas as pd

from runners.charts import curves as charts
from runners.charts import palette
from streamlit_app.database import rows

# Each of them costs a browser time, and a screen is not wider.
POINTS = 800


def curve(result: int) -> pd.DataFrame:
    """A row a session; empty where the run's policy did not keep the curve."""
    found = rows("select * from desk.result_equity(%(result)s)", {"result": result})
    return pd.DataFrame(found, columns=["session", "equity", "total_return", "drawdown", "benchmark_return"])


def thinned(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """What can be told apart on a screen: of every so many rows in turn the lowest and the highest, and of
    all the first and the last."""
    if len(frame) <= POINTS:
        return frame
    values = frame[column].reset_index(drop=True)
    stretches = values.groupby(values.index // ceil(2 * len(values) / POINTS))
    kept = {0, len(values) - 1, *stretches.idxmin(), *stretches.idxmax()}
    return frame.iloc[sorted(kept)]


def overlaid(curves: Mapping[str, pd.DataFrame]) -> Any:
    """Several curves on one axis, each from its own start."""
    rows = [row for name, frame in curves.items() for row in _returns(frame, "total_return", name)]
    return charts.lines(rows, dict(zip(curves, palette.SERIES, strict=False)))


def equity_and_drawdown(frame: pd.DataFrame) -> tuple[Any, Any]:
    """The curve beside its benchmark, and under it how far it was below its peak, over the same time."""
    rows = _returns(frame, "total_return", "strategy") + _returns(frame, "benchmark_return", "benchmark")
    colors = {"strategy": palette.BLUE, "benchmark": palette.GREY}
    # A result without a benchmark has no word of it in the legend.
    shown = {name: color for name, color in colors.items() if any(row["name"] == name for row in rows)}
    return (
        charts.lines(rows, shown, dashed=("benchmark",), labels=False, height=320),
        charts.drawdown(_records(thinned(frame, "drawdown"), "drawdown")),
    )


def rolling_sharpe(found: Sequence[dict[str, Any]]) -> Any:
    return charts.rolling_sharpe(_records(thinned(pd.DataFrame(found), "sharpe_ratio"), "sharpe_ratio"))


def _returns(frame: pd.DataFrame, column: str, name: str) -> list[dict[str, Any]]:
    found = _records(thinned(frame, "total_return").dropna(subset=column), column)
    return [{"session": row["session"], "name": name, "value": row[column]} for row in found]


def _records(frame: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """With none where pandas has no number, which JSON could not say."""
    found = frame[["session", column]].astype(object)
    rows: list[dict[str, Any]] = found.where(found.notna(), None).to_dict("records")
    return rows
