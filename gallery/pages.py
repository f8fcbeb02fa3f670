"""Which pages are in the gallery, at which addresses, and what is to be seen on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from streamlit_app.links import run_url, strategy_url, walk_forward_url
from testing.chromium import View
from testing.hands import choose, write


@dataclass(frozen=True)
class Portrait:
    """One picture: its file's name, the page's heading, its address, and a sentence for people."""

    name: str
    title: str
    path: str
    words: str
    dark: bool = False
    at_work: bool = False
    prepare: Callable[[View], None] | None = None


def portraits(viewer: psycopg.Connection[Any]) -> Sequence[Portrait]:
    """Of what the desk holds now."""
    strategy, result, run = _one(
        viewer,
        "select strategy, backtest_result_id, optimization_run_id from strategy_leaderboard limit 1",
    )
    walk, walked = _one(
        viewer,
        "select r.id, s.name from optimization_runs as r join strategies as s on s.id = r.strategy_id"
        " where r.optimization_type = 'Walk-Forward' and r.role = 'search' order by r.id desc limit 1",
    )
    return (
        Portrait(
            "leaderboard",
            "Leaderboard",
            "",
            "The best of what was tried, ranked by what is left of its Sharpe ratio after the luck of all.",
        ),
        Portrait("leaderboard_dark", "Leaderboard", "", "The same in the dark theme.", dark=True),
        Portrait(
            "strategy",
            "Strategy",
            strategy_url(strategy, result),
            "Where a strategy stands and why, and one of its results: its curve, and its risk below.",
        ),
        Portrait(
            "strategy_parameters",
            "Strategy",
            strategy_url(strategy, result) + "&more=Parameters",
            "Another section of the same page: what the search found around the result.",
        ),
        Portrait("run", "Run", run_url(run, strategy), "A search: its best, its surface, what was rejected."),
        Portrait(
            "walk_forward",
            "Walk-forward",
            walk_forward_url(walk, walked),
            "What somebody would have earned who searched again every half year.",
        ),
        Portrait("queue", "Queue", "queue", "What runs, what waits, and who works on it.", at_work=True),
        Portrait(
            "new_job",
            "New job",
            "new_job?strategy=sma_crossover",
            "A search, checked and estimated before it is queued.",
            prepare=_fill_in,
        ),
        Portrait("live", "Live", "live", "Accounts, levels and limits, what is on its way, and the stop."),
        Portrait(
            "monitor_paper",
            "Monitor",
            "monitor",
            "A session on paper: what the gate allowed and refused, and why.",
        ),
        Portrait(
            "monitor", "Monitor", "monitor?session=1", "What a strategy did: orders, limits, the account."
        ),
    )


def _fill_in(view: View) -> None:
    """A search as somebody would ask for it, up to the button."""
    for symbol in ("AAPL", "IBM", "MSFT"):
        choose(view, "Symbols", symbol)
    view.page.keyboard.press("Escape")
    choose(view, "How fast is chosen", "range")
    choose(view, "How slow is chosen", "list")
    write(view, "Values of slow", "50, 100, 150, 200")


def _one(viewer: psycopg.Connection[Any], query: LiteralString) -> tuple[Any, ...]:
    row = viewer.execute(query).fetchone()
    if row is None:
        raise RuntimeError(f"the gallery's desk holds nothing for: {query}")
    return tuple(row)
