"""(a) Backtests a CPU second, one process: the desk, Backtrader's own ways, and other backtesters."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.contest import Contestant, contestants, script, task
from benchmarks.peers import peers
from benchmarks.rounds import Row, measure, table

GOOG = ("real", 2148, 1)
FIVE = ("real", 2148, 5)
SMA = [{"fast": fast, "slow": slow} for fast in range(5, 25) for slow in range(30, 130, 5)]
RSI = [
    {"period": period, "low": low, "high": high}
    for period in (7, 10, 14, 21)
    for low in (20, 25, 30, 35, 40)
    for high in (60, 65, 70, 75, 80)
]
ITEM = 200
"""Points of the desk's work item: about what fills item_seconds."""


def tables(quick: bool) -> Iterator[str]:
    rounds = 1 if quick else 5
    share = 4 if quick else 8
    python, why_not = peers()
    scripts = {name: script(name) for name in ("naive", "desk", "optstrategy")}
    if python is not None:
        scripts |= {name: script(name, python) for name in ("peer_backtesting", "peer_vectorbt")}
    with contestants(scripts) as running:
        yield _equal(running)
        sma = {
            "naive Backtrader: six analyzers, observers, the file read each run": _naive(
                running, "bench_sma", SMA, GOOG, share
            ),
            "optstrategy (maxcpus=1, optdatas, optreturn)": _optstrategy(running, 2 if quick else 5),
            "the desk, stock loop": _desk(running, "bench_sma", SMA, GOOG, share, stock=True),
            "the desk": _desk(running, "bench_sma", SMA, GOOG, ITEM),
        }
        if python is not None:
            sma["backtesting.py, run() a combination"] = _peer(running["peer_backtesting"], 40)
            sma["vectorbt, the grid at once (not event by event)"] = _peer(running["peer_vectorbt"], len(SMA))
        yield "SMA crossing, GOOG, 2,148 daily bars, grid of 400\n\n" + _rates(measure(sma, rounds))
        if why_not:
            yield f"backtesting.py, vectorbt: skipped, {why_not}"
        for title, strategy, grid, prices in (
            ("RSI reversion, GOOG, grid of 100", "bench_rsi", RSI, GOOG),
            ("SMA crossing on five feeds, 2,148 bars each, grid of 400", "bench_portfolio", SMA, FIVE),
        ):
            few = share if prices is GOOG else 2
            item = 100 if prices is GOOG else 40
            rows = measure(
                {
                    "naive Backtrader": _naive(running, strategy, grid, prices, few),
                    "the desk, stock loop": _desk(running, strategy, grid, prices, few, stock=True),
                    "the desk": _desk(running, strategy, grid, prices, item),
                },
                rounds,
            )
            yield f"{title}\n\n{_rates(rows)}"


def _rates(rows: list[Row]) -> str:
    return table(rows, "backtests a CPU second")


def _naive(
    running: dict[str, Contestant], strategy: str, grid: list[Any], prices: tuple[str, int, int], count: int
) -> Callable[[], float]:
    def compete() -> float:
        points = random.sample(grid, count)
        return running["naive"].answer(task(strategy, points, prices)).rate

    return compete


def _desk(
    running: dict[str, Contestant],
    strategy: str,
    grid: list[Any],
    prices: tuple[str, int, int],
    count: int,
    *,
    stock: bool = False,
) -> Callable[[], float]:
    def compete() -> float:
        # In the grid's order, as work items are cut.
        first = random.randrange(max(1, len(grid) - count + 1))
        points = grid[first : first + count]
        return running["desk"].answer(task(strategy, points, prices, stock=stock)).rate

    return compete


def _optstrategy(running: dict[str, Contestant], side: int) -> Callable[[], float]:
    def compete() -> float:
        fast, slow = random.sample(range(5, 25), 2), random.sample(range(30, 130, 5), side)
        points = [{"fast": one, "slow": other} for one in fast for other in slow]
        return running["optstrategy"].answer(task("bench_sma", points, GOOG, processes=1)).rate

    return compete


def _peer(contestant: Contestant, count: int) -> Callable[[], float]:
    return lambda: contestant.answer(task("bench_sma", random.sample(SMA, count), GOOG)).rate


def _equal(running: dict[str, Contestant]) -> str:
    """All event-driven competitors must end with the same account."""
    chosen = task("bench_sma", SMA[::97], GOOG)
    naive, desk = running["naive"].answer(chosen).values, running["desk"].answer(chosen).values
    if naive != desk:
        raise AssertionError(f"the desk ends with {desk}, naive Backtrader with {naive}")
    text = f"Equal to the last bit on {len(naive)} points: the desk and naive Backtrader."
    if "peer_backtesting" in running:
        other = running["peer_backtesting"].answer(chosen).values
        apart = max(abs(one - two) for one, two in zip(naive, other, strict=True))
        text += f" backtesting.py differs by at most {apart:.2f} of 100,000."
    return text
