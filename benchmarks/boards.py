"""(r) The boards with a million results: the usual selects, as the viewer, in a warm cache."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.desk import desk
from benchmarks.rounds import markdown, spread
from testing.many_results import explained, fill

STRATEGIES = 300
QUERIES = (
    "select * from result_leaderboard limit 10",
    "select * from result_leaderboard where passed limit 10",
    "select * from result_leaderboard where engine = 'lean' limit 10",
    "select * from strategy_leaderboard",
    "select * from daily_summary",
    "select * from fee_drag",
)


def tables(quick: bool) -> Iterator[str]:
    results, rounds = (100_000, 1) if quick else (1_000_000, 7)
    with desk() as here:
        with here.connect("owner") as owner:
            fill(owner, results, STRATEGIES)
        with here.connect("viewer") as viewer:
            rows = []
            for query in QUERIES:
                explained(viewer, query)
                measured = [explained(viewer, query) for _ in range(rounds)]
                times = [milliseconds for _, milliseconds in measured]
                rows.append((f"`{query}`", spread(times, 2), f"{measured[0][0]:,}"))
    heads = ("", "ms: min / median / max", "pages")
    yield f"{results:,} results of {STRATEGIES} strategies\n\n{markdown(heads, rows)}"
