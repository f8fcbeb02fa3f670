"""Prices for tests of engines and strategies: real ones, seeded random ones, and tiny ones by hand."""

from __future__ import annotations

import calendar
import csv
import datetime as dt
import gzip
import importlib.util
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from runners.engines.base import AdjustedPrices, RunSettings

FIRST_DAY = dt.date(2020, 1, 1)


def epoch(day: dt.date) -> int:
    return calendar.timegm(day.timetuple())


def series_of(
    symbol: str, rows: Sequence[tuple[dt.date, float, float, float, float, float]]
) -> AdjustedPrices:
    days, *columns = zip(*rows, strict=True)
    return AdjustedPrices.from_rows(symbol, [epoch(day) for day in days], *columns)


def by_hand(
    closes: Sequence[float], opens: Sequence[float] | None = None, symbol: str = "X"
) -> AdjustedPrices:
    """Daily bars from 2020-01-01 on; without opens a bar opens at its close."""
    rows = [
        (FIRST_DAY + dt.timedelta(days=i), o, max(o, c), min(o, c), c, 100.0)
        for i, (o, c) in enumerate(zip(opens or closes, closes, strict=True))
    ]
    return series_of(symbol, rows)


@cache
def real(symbol: str, last: int) -> AdjustedPrices:
    """The last so many daily bars of AAPL, GOOG, IBM or MSFT, read from the package that ships them."""
    spec = importlib.util.find_spec("bokeh_sampledata")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "_data" / "stocks.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = [
            (dt.date.fromisoformat(row["Date"]), float(row["Open"]), float(row["High"]), float(row["Low"]),
             float(row["Close"]), float(row["Volume"]))
            for row in csv.DictReader(file)
            if row["Ticker"] == symbol
        ]  # fmt: skip
    return series_of(symbol, rows[-last:])


@cache
def wandering(symbol: str, seed: int, bars: int, late: int = 0) -> AdjustedPrices:
    """A random walk that starts `late` days in and misses about one session in twenty."""
    generator = random.Random(seed)
    price, rows = 50.0, []
    for i in range(late, bars):
        opened = price * (1 + generator.gauss(0, 0.01))
        price = opened * (1 + generator.gauss(0, 0.02))
        high, low = max(opened, price) * 1.01, min(opened, price) * 0.99
        if generator.random() > 0.05:
            rows.append((FIRST_DAY + dt.timedelta(days=i), opened, high, low, price, 1000.0))
    return series_of(symbol, rows)


def settings_for(entry_point: str, series: Sequence[AdjustedPrices], **changes: Any) -> RunSettings:
    """Settings of a run over all of these prices."""
    epochs = [value for one in series for value in one.epochs]
    document: dict[str, Any] = {
        "optimization_run_id": 1,
        "strategy": entry_point,
        "entry_point": entry_point,
        "engine": "backtrader",
        "symbols": [one.symbol for one in series],
        "timeframe": "1d",
        "start_date": dt.datetime.fromtimestamp(min(epochs), dt.UTC).date().isoformat(),
        "end_date": dt.datetime.fromtimestamp(max(epochs), dt.UTC).date().isoformat(),
        "cash": 100_000,
        "commission": {"percent": 0, "per_share": 0, "minimum": 0},
        "slippage": 0,
        "seed": 1,
        "data_hash": "prices",
        "code_hash": "code",
        "stock": True,
        "seconds_per_point": 60,
        "memory_mb": 1024,
        "block_count": 4,
    }
    return RunSettings.from_json(document | changes)
