"""Look-ahead: where the data end must not change what was decided before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from runners.engines.base import AdjustedPrices
from runners.prices.dates import date_of
from runners.probes.findings import ProbeFinding
from runners.probes.signals import Signal, Trace, cut

CUTS = 20
ABOUT = "look-ahead"
TODO = "look for [1] and other positive indices, .array, and means or ranks over the whole series"


def look_ahead(
    prices: Sequence[AdjustedPrices], whole: Trace, run: Callable[[Sequence[AdjustedPrices]], Trace]
) -> ProbeFinding:
    """Truncate the data at 20 points; every signal decided until such an end must stay as it was."""
    times = sorted({time for series in prices for time in series.epochs})
    begin = max(series.epochs[0] for series in prices)
    later = [time for time in times if time > begin]
    compared = 0
    for last in _points(later):
        short = run(cut(prices, last))
        if short.error is not None:
            if "needs more bars" in short.error:
                continue
            return ProbeFinding(
                "fault", ABOUT,
                f"with data until {date_of(last)} it fails, with all data it does not: {short.error}", TODO,
            )  # fmt: skip
        before, after = whole.until(last), short.until(last)
        compared += len(after)
        changed = _first_difference(before, after)
        if changed is not None:
            return ProbeFinding(
                "fault", ABOUT,
                f"with data until {date_of(last)} it decides otherwise: {_told(changed)}", TODO,
            )  # fmt: skip
    if not compared:
        return ProbeFinding("note", ABOUT, "no signal to compare: it never traded on these prices")
    return ProbeFinding("ok", ABOUT, f"{CUTS} cuts, {compared:,} signals compared, none changed")


def _points(times: Sequence[int]) -> Iterator[int]:
    """Twenty ends between a tenth of the data and all but the last bar."""
    first, last = len(times) // 10, len(times) - 2
    for step in range(CUTS):
        yield times[max(0, first + (last - first) * step // (CUTS - 1))]


def _first_difference(
    before: Sequence[Signal], after: Sequence[Signal]
) -> tuple[Signal | None, Signal | None] | None:
    for place in range(max(len(before), len(after))):
        one = before[place] if place < len(before) else None
        other = after[place] if place < len(after) else None
        if one != other:
            return one, other
    return None


def _told(changed: tuple[Signal | None, Signal | None]) -> str:
    whole, short = changed
    return f"{short or 'nothing'}, where all data give {whole or 'nothing'}"
