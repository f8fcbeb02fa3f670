"""Curves of results, as several pages draw them: read from the desk's functions, not worked out here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from math import ceil
from typing import Any

import pandas as pd
import streamlit as st

from runners.charts import curves as charts
from runners.charts import palette
from streamlit_app.database import rows

# Each of them costs a browser time, and a screen is not wider.
POINTS = 800
WINDOW = "window"
"""Name of what is drawn on a strip."""
SCALES = ("linear", "logarithmic")
# So many times its lowest value, and a linear axis flattens the beginning to a line.
STEEP = 5


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


def logarithmic(frames: Iterable[pd.DataFrame], key: str) -> bool:
    """Asks for the axis of curves; the proposal follows how steep they are."""
    drawn = [frame[name] for frame in frames for name in ("total_return", "benchmark_return")]
    growth = 1 + pd.concat(drawn).dropna().astype(float)
    steep = growth.min() > 0 and growth.max() / growth.min() >= STEEP
    chosen = st.segmented_control(
        "Axis", SCALES, default=SCALES[int(steep)], required=True, key=key, bind="query-params",
        help="On a logarithmic axis equal distances are equal gains, so that early years can be read too.",
    )  # fmt: skip
    return chosen == SCALES[1]


def overlaid(curves: Mapping[str, pd.DataFrame], log: bool = False) -> Any:
    """Several curves on one axis, each from its own start."""
    rows = [row for name, frame in curves.items() for row in _returns(frame, "total_return", name)]
    return charts.lines(rows, dict(zip(curves, palette.SERIES, strict=False)), log=log)


def over_benchmark(frame: pd.DataFrame) -> pd.DataFrame:
    """What one has who held the strategy, in units of what one has who held the benchmark, less 1."""
    ratio = (1 + frame["total_return"]) / (1 + frame["benchmark_return"]) - 1
    return frame.assign(total_return=ratio, benchmark_return=None)


def within(frame: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """The sessions of a part, returns since the first of them; how far below its peak it was stays."""
    part = frame[(frame["session"] >= first) & (frame["session"] <= last)].reset_index(drop=True)
    if len(part) in (0, 1, len(frame)):
        return frame
    columns = ["total_return", "benchmark_return"]
    start = part[columns].astype(float).bfill().iloc[0]
    return part.assign(**{name: (1 + part[name].astype(float)) / (1 + start[name]) - 1 for name in columns})


def strip(frame: pd.DataFrame) -> Any:
    return charts.strip(_returns(frame, "total_return", "strategy"), WINDOW)


def part(state: Any, first: date, last: date) -> tuple[date, date]:
    """The part of the time that was drawn on a strip, in milliseconds of the epoch; else all of it."""
    drawn = ((state or {}).get("selection", {}).get(WINDOW) or {}).get("session")
    if not drawn:
        return first, last
    start, end = (datetime.fromtimestamp(at / 1000, UTC).date() for at in sorted(drawn))
    return max(start, first), min(end, last)


def equity_and_drawdown(frame: pd.DataFrame, *, log: bool = False, relative: bool = False) -> tuple[Any, Any]:
    """The curve beside its benchmark, or measured in it, and how far it was below its peak at the time."""
    drawn = over_benchmark(frame) if relative else frame
    rows = _returns(drawn, "total_return", "strategy") + _returns(drawn, "benchmark_return", "benchmark")
    colors = {"strategy": palette.BLUE, "benchmark": palette.GREY}
    # A result without a benchmark has no word of it in the legend.
    shown = {name: color for name, color in colors.items() if any(row["name"] == name for row in rows)}
    title = "gain over the benchmark (%)" if relative else "return since the start (%)"
    return (
        charts.lines(rows, shown, dashed=("benchmark",), labels=False, log=log, title=title, height=320),
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
