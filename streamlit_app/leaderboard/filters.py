"""What of the board is shown: each widget is bound to the address, so that a view of the board is a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from runners.words import window_text


@dataclass(frozen=True)
class Filters:
    """None, False and 0 let everything through."""

    strategy: str | None = None
    symbol: str | None = None
    window: str | None = None
    engine: str | None = None
    status: str | None = None
    run: int | None = None
    minimum_trades: int = 0
    passed: bool = False
    survived: bool = False
    out_of_sample: bool = False
    every_result: bool = False


def choose(runs: Sequence[dict[str, Any]]) -> Filters:
    """Widgets that offer what the desk's searches have."""
    columns = st.columns(5, vertical_alignment="bottom")
    strategy = _one_of(columns[0], "Strategy", sorted({run["strategy"] for run in runs}), "strategy")
    symbol = _one_of(
        columns[1], "Symbol", sorted({symbol for run in runs for symbol in run["symbols"]}), "symbol"
    )
    windows = {window_text(run["start_date"], run["end_date"]) for run in runs}
    window = _one_of(columns[2], "Window", sorted(windows - {""}), "window")
    engine = _one_of(columns[3], "Engine", sorted({run["engine"] for run in runs}), "engine")
    status = _one_of(columns[4], "Status", sorted({run["status"] for run in runs}), "status")
    below = st.columns([2, 2, 6], vertical_alignment="bottom")
    minimum_trades = below[0].number_input(
        "Minimum trades", min_value=0, step=10, key="trades", bind="query-params", on_change=to_first_page
    )
    run = below[1].number_input(
        "Run",
        min_value=1,
        value=None,
        step=1,
        placeholder="all",
        key="of_run",
        bind="query-params",
        on_change=to_first_page,
    )
    # In a row that breaks where the page is narrow.
    with below[2].container(horizontal=True, gap="medium"):
        passed = _toggle("Passed", "passed", "Met all criteria of its run.")
        survived = _toggle(
            "Survived deflation",
            "survived",
            "Passed, and the Sharpe ratio is with 95 % more than the luck of the best of so many trials.",
        )
        out_of_sample = _toggle(
            "Only out of sample",
            "oos",
            "The stitched tests of walk-forwards: days that no choice had seen.",
        )
        every_result = _toggle("Every result", "results", "Otherwise the best of each strategy.")
    return Filters(
        strategy, symbol, window, engine, status, run, int(minimum_trades or 0), passed, survived,
        out_of_sample, every_result,
    )  # fmt: skip


def to_first_page() -> None:
    st.session_state["page"] = 1


def _one_of(place: Any, label: str, options: Sequence[str], key: str) -> str | None:
    chosen: str | None = place.selectbox(
        label,
        options,
        index=None,
        placeholder="all",
        key=key,
        bind="query-params",
        on_change=to_first_page,
    )
    return chosen


def _toggle(label: str, key: str, help: str) -> bool:
    return st.toggle(label, key=key, bind="query-params", help=help, on_change=to_first_page)
