"""(p) The pages in a real Chromium: with 100,000 results and on an empty desk, in turn.

A page counts as painted when its script is over and its charts and tables are drawn. Each visit is a new tab
of a browser that has been there before, as a director's has: scripts come from its cache, and Streamlit's own
start is in every time, in both columns.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from playwright.sync_api import BrowserContext

from benchmarks import desk as desks
from benchmarks.rounds import markdown, spread
from streamlit_app.links import run_url, strategy_url, walk_forward_url
from testing import chromium, many_results, served

RESULTS = 100_000
STRATEGIES = (300, 1)
"""Many small searches, and three of 33,333 points each."""
ALLOWED_SECONDS = 1.0


@dataclass(frozen=True)
class Visit:
    """A page's heading, and its address on an empty and on a full desk."""

    name: str
    title: str
    empty: str
    full: str


def tables(quick: bool) -> Iterator[str]:
    path = chromium.chromium()
    if path is None:
        yield f"skipped: there is no Chromium here. {chromium.HOW_TO_GET}"
        return
    rounds = 1 if quick else 7
    for strategies in STRATEGIES[:1] if quick else STRATEGIES:
        with ExitStack() as stack:
            empty, full = stack.enter_context(desks.desk()), stack.enter_context(desks.desk())
            visits = _fill(full, strategies)
            addresses = [stack.enter_context(served.app(one.environment)) for one in (empty, full)]
            browser = stack.enter_context(chromium.browser(path))
            known = [browser.new_context(viewport=chromium.WIDE) for _ in addresses]
            rows = _measure(known, addresses, visits, rounds)
        of = "a strategy" if strategies == 1 else f"{strategies} strategies"
        yield f"{RESULTS:,} results of {of}, in {3 * strategies} searches\n\n{rows}"


def _fill(full: desks.Desk, strategies: int) -> list[Visit]:
    with full.connect("owner") as owner:
        many_results.fill(owner, RESULTS, strategies)
        many_results.add_series(owner)
        best = owner.execute(
            "select s.name, r.id, r.optimization_run_id from desk.equity_curves as e"
            " join desk.backtest_results as r on r.id = e.backtest_result_id"
            " join desk.strategies as s on s.id = r.strategy_id order by r.id limit 1"
        ).fetchone()
        walk = owner.execute(
            "select r.id, s.name from desk.walk_forward_plans as p"
            " join desk.optimization_runs as r on r.id = p.optimization_run_id"
            " join desk.strategies as s on s.id = r.strategy_id"
        ).fetchone()
    assert best is not None
    assert walk is not None
    strategy, result, run = best
    return [
        Visit("Leaderboard", "Leaderboard", "", ""),
        Visit("Leaderboard, every result", "Leaderboard", "?results=true", "?results=true"),
        Visit("Strategy", "Strategy", "strategy", strategy_url(strategy, result)),
        Visit("Run", "Run", "run", run_url(run, strategy)),
        Visit("Walk-forward", "Walk-forward", "walk_forward", walk_forward_url(*walk)),
        Visit("Queue", "Queue", "queue", "queue"),
        Visit("New job", "New job", "new_job", "new_job"),
        Visit("Monitor", "Monitor", "monitor", "monitor"),
    ]


def _measure(known: list[BrowserContext], addresses: list[str], visits: list[Visit], rounds: int) -> str:
    """The first round warms: servers import at their first page, and browsers fetch."""
    empty: dict[str, list[float]] = {visit.name: [] for visit in visits}
    full: dict[str, list[float]] = {visit.name: [] for visit in visits}
    for number in range(-1, rounds):
        for visit in visits:
            word = f"round {number + 1} of {rounds}: {visit.name}"
            print(f"\r  {word:<60}", end="", file=sys.stderr, flush=True)
            seconds = [
                _seconds(context, address, place, visit.title)
                for context, address, place in zip(known, addresses, (visit.empty, visit.full), strict=True)
            ]
            if number >= 0:
                empty[visit.name].append(seconds[0])
                full[visit.name].append(seconds[1])
    print(f"\r{'':<80}\r", end="", file=sys.stderr, flush=True)
    lines = []
    for visit in visits:
        more = [after - before for before, after in zip(empty[visit.name], full[visit.name], strict=True)]
        lines.append(
            (
                visit.name,
                spread(empty[visit.name], 2),
                spread(full[visit.name], 2),
                spread(more, 2),
                "yes" if statistics.median(more) <= ALLOWED_SECONDS else "NO",
            )
        )
    heads = (
        "page",
        "empty desk, s: min / median / max",
        f"{RESULTS:,} results, s",
        "more, s",
        f"within {ALLOWED_SECONDS:.0f} s",
    )
    return markdown(heads, lines)


def _seconds(context: BrowserContext, address: str, place: str, title: str) -> float:
    view = chromium.View(context.new_page(), address)
    began = time.perf_counter()
    view.open(place.lstrip("/"), title)
    seconds = time.perf_counter() - began
    if view.complaints():
        raise RuntimeError(f"{view.page.url}: {view.complaints()}")
    view.page.close()
    return seconds
