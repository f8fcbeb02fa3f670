"""(c) How the time of a backtest grows with bars, feeds and orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.contest import Contestant, contestants, script, task
from benchmarks.rounds import markdown, measure, spread

BARS = (250, 1_000, 2_500, 10_000, 25_000)
FEEDS = (1, 2, 5, 10, 20)
ORDERS = (10, 100, 1_000)
CROSSINGS = [{"fast": fast, "slow": slow} for fast in range(5, 15) for slow in range(30, 50, 2)]


def tables(quick: bool) -> Iterator[str]:
    rounds = 1 if quick else 5
    with contestants({name: script(name) for name in ("naive", "desk")}) as running:
        for title, cases in (
            ("Bars, one feed, crossing averages", _bars(quick)),
            ("Feeds, 500 bars each, crossing averages", _feeds(quick)),
            ("Orders, one feed of 2,500 bars", _orders(quick)),
        ):
            rows = []
            for name, strategy, points, prices in cases:
                few = points[: 1 if prices[1] * prices[2] > 5_000 else 4]
                naive, desk = measure(
                    {
                        f"naive, {name}": _milliseconds(running["naive"], strategy, few, prices),
                        f"desk, {name}": _milliseconds(running["desk"], strategy, points, prices),
                    },
                    rounds,
                )
                took = [[-rate for rate in row.rates] for row in (naive, desk)]
                ratios = [one / other for one, other in zip(*took, strict=True)]
                rows.append((name, spread(took[0]), spread(took[1], 2), spread(ratios)))
            heads = (
                "",
                "naive, CPU ms a backtest: min / median / max",
                "desk: min / median / max",
                "ratio: min / median / max",
            )
            yield f"{title}\n\n{markdown(heads, rows)}"


Case = tuple[str, str, Sequence[dict[str, Any]], tuple[str, int, int]]


def _bars(quick: bool) -> list[Case]:
    chosen = BARS[:3] if quick else BARS
    return [
        (f"{bars:,} bars", "bench_sma", CROSSINGS[: 20 if bars > 5_000 else 60], ("walk", bars, 1))
        for bars in chosen
    ]


def _feeds(quick: bool) -> list[Case]:
    chosen = FEEDS[:3] if quick else FEEDS
    return [(f"{feeds} feeds", "bench_portfolio", CROSSINGS[:20], ("walk", 500, feeds)) for feeds in chosen]


def _orders(quick: bool) -> list[Case]:
    chosen = ORDERS[:2] if quick else ORDERS
    return [
        (f"{orders:,} orders", "bench_trader", [{"every": 2_500 // orders}] * 30, ("walk", 2_500, 1))
        for orders in chosen
    ]


def _milliseconds(
    contestant: Contestant, strategy: str, points: Sequence[dict[str, Any]], prices: tuple[str, int, int]
) -> Callable[[], float]:
    """CPU milliseconds a backtest, negative, since higher is better."""

    def compete() -> float:
        answer = contestant.answer(task(strategy, points, prices))
        return -1_000 * answer.cpu / answer.points

    return compete
