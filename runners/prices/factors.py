"""Dated split and dividend factors, reconstructed from raw and adjusted closes.

A source that gives both has lost the events themselves. The ratio adjusted/raw is constant between events and
steps at each ex-date by the event's factor: p/q for a split, close / (close + amount) for a cash dividend
reinvested at the close of the ex-date (the convention of the source read here). Steps are told from noise by
size, and each is put back to the clean number that it came from, so that no noise is multiplied up.

The factors that come out are the desk's own: a dividend's is 1 - amount / close of the day before, as Yahoo,
LEAN and CRSP have it, so that no adjusted price depends on a close after it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction

from runners.prices.series import Factor, PriceError

NOISE = 1e-9
"""Relative change of the ratio below which it is noise; real sources keep within 1e-12."""

TOLERANCE = 1e-9
"""Relative difference between our adjusted closes and the source's that is accepted."""

_LARGEST_SPLIT_TERM = 20
_SMALLEST_SPLIT = 0.04


def reconstructed(
    symbol: str, dates: Sequence[dt.date], close: Sequence[float], adjusted: Sequence[float]
) -> tuple[Factor, ...]:
    """Factors of the events by which the source turns `close` into `adjusted`, but those after its last bar.

    Our last bar has the factor 1: what the source knows of later events scales all of its series by one
    constant, and no bar of ours needs it. Raises PriceError where events do not explain the source.
    """
    ratios = [after / before for before, after in zip(close, adjusted, strict=True)]
    theirs, ours = [], []
    for day in range(1, len(ratios)):
        step = ratios[day - 1] / ratios[day]
        if abs(step - 1) > NOISE:
            event = _event(dates[day], step, close[day])
            theirs.append(event)
            ours.append(_by_the_day_before(event, close[day - 1], close[day]))
    _check(symbol, dates, ratios, theirs)
    return tuple(ours)


def adjusted_closes(
    dates: Sequence[dt.date], close: Sequence[float], factors: Sequence[Factor]
) -> list[float]:
    """Closes times the product of all factors that take effect later, newest first as the desk multiplies."""
    waiting = sorted(factors, key=lambda factor: (factor.effective_date, factor.kind), reverse=True)
    scale, prices = 1.0, []
    for date, price in zip(reversed(dates), reversed(close), strict=True):
        while waiting and waiting[0].effective_date > date:
            scale *= waiting.pop(0).factor
        prices.append(price * scale)
    return prices[::-1]


def _event(date: dt.date, step: float, close: float) -> Factor:
    split = Fraction(step).limit_denominator(_LARGEST_SPLIT_TERM)
    if (
        0 < split.numerator <= _LARGEST_SPLIT_TERM
        and abs(step - 1) > _SMALLEST_SPLIT
        and abs(split / Fraction(step) - 1) < NOISE
    ):
        return Factor(date, "split", float(split))
    amount = round(close * (1 / step - 1), 6)
    clean = close / (close + amount)
    return Factor(date, "dividend", clean if abs(clean / step - 1) < NOISE else step)


def _by_the_day_before(event: Factor, before: float, close: float) -> Factor:
    if event.kind == "split":
        return event
    amount = round(close * (1 / event.factor - 1), 6)
    return Factor(event.effective_date, event.kind, 1.0 - amount / before)


def _check(symbol: str, dates: Sequence[dt.date], ratios: Sequence[float], factors: Sequence[Factor]) -> None:
    ours = adjusted_closes(dates, [1.0] * len(dates), factors)
    for date, mine, theirs in zip(dates, ours, ratios, strict=True):
        mine *= ratios[-1]
        if abs(mine / theirs - 1) > TOLERANCE:
            raise PriceError(
                f"{symbol}, {date}: the factors give {mine:.12g} where the source has {theirs:.12g}",
                hint="the source's adjusted closes do not come from splits and dividends alone",
            )
