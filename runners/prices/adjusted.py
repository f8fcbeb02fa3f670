"""Raw bars with dated factors as adjusted arrays, the way SQL's `adjusted_bars` makes them."""

from __future__ import annotations

import datetime as dt
from itertools import groupby

from runners.engines.base import AdjustedPrices, Splits
from runners.prices.series import Factor, PriceSeries


def adjusted(series: PriceSeries) -> AdjustedPrices:
    """Prices times the product of all factors that take effect after their date; volume over the splits.

    Products are taken from the newest day backwards, so that they equal the database's to the bit.
    """
    waiting = _days(series.factors or ())
    price, split = 1.0, 1.0
    rows = []
    for bar in reversed(series.bars):
        while waiting and waiting[-1][0] > bar.time.date():
            _, day_price, day_split = waiting.pop()
            price, split = price * day_price, split * day_split
        rows.append(
            (int(bar.time.timestamp()), bar.open * price, bar.high * price, bar.low * price,
             bar.close * price, bar.volume / split)
        )  # fmt: skip
    epochs, *columns = zip(*reversed(rows), strict=True)
    return AdjustedPrices.from_rows(series.symbol, epochs, *columns)


def splits_of(series: PriceSeries) -> Splits:
    """Ex-dates of its splits, each with the shares before it that one adjusted share is, as `split_steps`."""
    shares, steps = 1.0, []
    for date, _, split in reversed(_days(tuple(one for one in series.factors or () if one.kind == "split"))):
        shares *= split
        steps.append((date, shares))
    return tuple(reversed(steps))


def _days(factors: tuple[Factor, ...]) -> list[tuple[dt.date, float, float]]:
    """Each day's factors multiplied, oldest day first."""
    days = []
    ordered = sorted(factors, key=lambda factor: (factor.effective_date, factor.kind))
    for date, of_the_day in groupby(ordered, key=lambda factor: factor.effective_date):
        price, split = 1.0, 1.0
        for factor in of_the_day:
            price *= factor.factor
            if factor.kind == "split":
                split *= factor.factor
        days.append((date, price, split))
    return days
