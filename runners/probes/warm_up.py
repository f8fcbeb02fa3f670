"""Warm-up: no decision before the indicators are ready, and how much of the past a decision remembers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runners.engines.base import AdjustedPrices
from runners.prices.dates import date_of
from runners.probes.findings import ProbeFinding
from runners.probes.signals import Trace, since

ABOUT = "warm-up"


def warm_up(
    prices: Sequence[AdjustedPrices], whole: Trace, run: Callable[[Sequence[AdjustedPrices]], Trace]
) -> ProbeFinding:
    """Start a quarter later and compare what is bought in the second half of the data."""
    if not whole.signals:
        return ProbeFinding("note", ABOUT, "it never traded on these prices")
    times = sorted({time for series in prices for time in series.epochs})
    first = whole.signals[0]
    bars = sum(1 for time in times if time <= first.time)
    began = f"first signal after {bars:,} bars, on {date_of(first.time)}"
    late = run(since(prices, times[len(times) // 4]))
    if late.error is not None:
        return ProbeFinding("note", ABOUT, f"{began}; begun a quarter later it fails: {late.error}")
    half = times[len(times) // 2]
    before = {
        (signal.time, signal.symbol, signal.size > 0) for signal in whole.signals if signal.time >= half
    }
    after = {(signal.time, signal.symbol, signal.size > 0) for signal in late.signals if signal.time >= half}
    if before == after:
        return ProbeFinding(
            "ok", ABOUT, f"{began}; begun a quarter later, it decides the same in the second half"
        )
    return ProbeFinding(
        "note", ABOUT,
        f"{began}; begun a quarter later, {len(before ^ after)} of {len(before | after)} decisions of the "
        "second half differ",
        "it remembers more than its warm-up: positions from before, or averages that never forget",
    )  # fmt: skip
