"""Prices for benchmarks: real daily bars of the sample, and seeded random walks of any length."""

from __future__ import annotations

import calendar
import csv
import datetime as dt
import random
from functools import cache
from pathlib import Path

from runners.engines.base import AdjustedPrices
from runners.prices.sample import read_sample
from testing import PROJECT_ROOT

CACHE = PROJECT_ROOT / ".cache" / "bench"
FIRST_DAY = dt.date(2000, 1, 3)
HEADS = ("Date", "Open", "High", "Low", "Close", "Volume")


@cache
def series(kind: str, bars: int, feeds: int) -> tuple[AdjustedPrices, ...]:
    """`real`: GOOG, then other shares over the same days; `walk`: random walks."""
    if kind == "walk":
        return tuple(_walk(f"WALK{number}", number, bars) for number in range(feeds))
    found = {one.symbol: one for one in read_sample().series}
    symbols = ("GOOG", "AAPL", "IBM", "MSFT", "^GSPC")[:feeds]
    days = sorted(set.intersection(*({bar.time for bar in found[symbol].bars} for symbol in symbols)))
    chosen = set(days[-bars:])
    return tuple(
        AdjustedPrices.from_rows(
            symbol,
            *map(
                list,
                zip(
                    *(
                        (
                            calendar.timegm(bar.time.timetuple()),
                            bar.open, bar.high, bar.low, bar.close, bar.volume,
                        )
                        for bar in found[symbol].bars
                        if bar.time in chosen
                    ),
                    strict=True,
                ),
            ),
        )
        for symbol in symbols
    )  # fmt: skip


def _walk(symbol: str, seed: int, bars: int) -> AdjustedPrices:
    generator = random.Random(seed)
    price, rows = 100.0, []
    for day in range(bars):
        opened = price * (1 + generator.gauss(0, 0.003))
        price = max(1.0, opened * (1 + generator.gauss(0.0002, 0.012)))
        high, low = max(opened, price) * 1.003, min(opened, price) * 0.997
        epoch = calendar.timegm((FIRST_DAY + dt.timedelta(days=day)).timetuple())
        rows.append((epoch, opened, high, low, price, 1e6))
    return AdjustedPrices.from_rows(symbol, *map(list, zip(*rows, strict=True)))


def csv_files(kind: str, bars: int, feeds: int) -> list[Path]:
    """The same series as files, for those who read them."""
    CACHE.mkdir(parents=True, exist_ok=True)
    paths = []
    for one in series(kind, bars, feeds):
        path = CACHE / f"{kind}-{one.symbol.strip('^')}-{bars}-{feeds}.csv"
        if not path.exists():
            columns = (one.epochs, one.open, one.high, one.low, one.close, one.volume)
            with path.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(HEADS)
                for epoch, *values in zip(*columns, strict=True):
                    writer.writerow([dt.datetime.fromtimestamp(epoch, dt.UTC).date().isoformat(), *values])
        paths.append(path)
    return paths
