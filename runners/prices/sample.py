"""The built-in sample: real daily prices that lie as files inside packages on PyPI.

The packages are installed for these files only and are never imported.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runners.prices.factors import reconstructed
from runners.prices.series import (
    Bar,
    PriceError,
    PriceSeries,
    closes,
    session_time,
    without_impossible_bars,
    without_rounding,
)

Row = dict[str, str]

EQUITIES = {"AAPL": "Apple", "GOOG": "Google", "IBM": "IBM", "MSFT": "Microsoft"}
INDICES = {"^GSPC": ("sp500", "S&P 500"), "^IXIC": ("nasdaq", "Nasdaq Composite")}
FACTOR_ETFS = {
    "MTUM": "iShares MSCI USA Momentum Factor ETF",
    "QUAL": "iShares MSCI USA Quality Factor ETF",
    "SIZE": "iShares MSCI USA Size Factor ETF",
    "USMV": "iShares MSCI USA Min Vol Factor ETF",
    "VLUE": "iShares MSCI USA Value Factor ETF",
}


PACKAGES = ("bokeh_sampledata", "arch", "skfolio")
# Their own dependencies, half a gigabyte, are for what is not used of them.
INSTALL = f"pip install --no-deps {' '.join(PACKAGES)}"


@dataclass(frozen=True)
class Sample:
    """What could be read, and what could not, in words."""

    series: tuple[PriceSeries, ...]
    missing: tuple[str, ...]


def read(symbols: Sequence[str] | None) -> list[PriceSeries]:
    """The series of these symbols, or all; raises PriceError where one is not in the sample."""
    found = read_sample().series
    missing = [symbol for symbol in symbols or () if symbol not in {one.symbol for one in found}]
    if missing:
        known = ", ".join(one.symbol for one in found)
        raise PriceError(f"sample has no {', '.join(missing)}", hint=f"it has {known}")
    return [one for one in found if symbols is None or one.symbol in symbols]


@cache
def read_sample() -> Sample:
    """All series of the sample whose packages are installed; raises PriceError if none is."""
    series: list[PriceSeries] = []
    missing: list[str] = []
    readers: tuple[tuple[str, str, Callable[[], Iterator[PriceSeries]]], ...] = (
        ("bokeh_sampledata", ", ".join(EQUITIES), _equities),
        ("arch", ", ".join(INDICES), _indices),
        ("skfolio", ", ".join(FACTOR_ETFS), _factor_etfs),
    )
    for package, symbols, reader in readers:
        if importlib.util.find_spec(package) is None:
            missing.append(f"{symbols}: the package {package} is not installed")
        else:
            series += [without_impossible_bars(without_rounding(one)) for one in reader()]
    if not series:
        raise PriceError(
            "the sample's prices are not installed",
            detail="; ".join(missing),
            hint=INSTALL,
        )
    return Sample(tuple(series), tuple(missing))


def _equities() -> Iterator[PriceSeries]:
    """Raw bars with adjusted closes. FB is left out: its 196 bars are no window to test in."""
    rows: dict[str, list[Row]] = {symbol: [] for symbol in EQUITIES}
    for row in _rows("bokeh_sampledata", "_data/stocks.csv.gz"):
        if row["Ticker"] in rows:
            rows[row["Ticker"]].append(row)
    for symbol, title in EQUITIES.items():
        dates = [dt.date.fromisoformat(row["Date"]) for row in rows[symbol]]
        factors = reconstructed(
            symbol,
            dates,
            [float(row["Close"]) for row in rows[symbol]],
            [float(row["Adj Close"]) for row in rows[symbol]],
        )
        yield PriceSeries(
            symbol=symbol,
            source="sample: bokeh_sampledata",
            bars=tuple(_bar(date, row) for date, row in zip(dates, rows[symbol], strict=True)),
            factors=factors,
            title=title,
            asset_class="equity",
            notes="Raw prices; splits and dividends were reconstructed from the source's adjusted closes.",
        )


def _indices() -> Iterator[PriceSeries]:
    for symbol, (name, title) in INDICES.items():
        rows = list(_rows("arch", f"data/{name}/{name}.csv.gz"))
        bars = tuple(_bar(dt.datetime.strptime(row["Date"], "%m/%d/%Y").date(), row) for row in rows)
        silent = [bar for bar in bars if not bar.volume]
        yield PriceSeries(
            symbol=symbol,
            source="sample: arch",
            bars=bars,
            factors=(),
            title=title,
            asset_class="index",
            notes="An index: it has no shares to buy, so results on it are a comparison, not a trade.",
            remarks=tuple(f"{bar.time:%Y-%m-%d} has no volume in the source" for bar in silent),
        )


def _factor_etfs() -> Iterator[PriceSeries]:
    rows = list(_rows("skfolio", "datasets/data/factors_dataset.csv.gz"))
    times = [session_time(dt.date.fromisoformat(row["Date"])) for row in rows]
    for symbol, title in FACTOR_ETFS.items():
        yield PriceSeries(
            symbol=symbol,
            source="sample: skfolio",
            bars=closes(times, [float(row[symbol]) for row in rows]),
            factors=(),
            title=title,
            asset_class="etf",
            closes_only=True,
            notes="Adjusted closes only: open, high and low repeat the close, so an order of today's signal "
            "fills at tomorrow's close. No volume.",
        )


def _bar(date: dt.date, row: Row) -> Bar:
    return Bar(
        time=session_time(date),
        open=float(row["Open"]),
        high=float(row["High"]),
        low=float(row["Low"]),
        close=float(row["Close"]),
        volume=float(row["Volume"]),
    )


def _rows(package: str, file: str) -> Iterator[Row]:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    for folder in spec.submodule_search_locations or ():
        path = Path(folder) / file
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8", newline="") as opened:
                yield from csv.DictReader(opened)
            return
    raise PriceError(
        f"the package {package} has no file {file}",
        hint="install the version that requirements/data.txt names",
    )
