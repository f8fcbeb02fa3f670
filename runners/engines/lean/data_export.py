"""The desk's raw bars and factors as a LEAN data folder, so that both engines see the same prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from runners.engines.lean.data_folder import write_series
from runners.engines.lean.market_hours import write_databases
from runners.prices.series import Bar, Factor, PriceError, PriceSeries

NEWEST = """
select i.id, i.symbol, v.version, v.factors_version
from desk.instruments as i
join lateral desk.latest_price_version(i.id, %s) as v on v.id is not null
where i.symbol = %s
"""
BARS = "select bar_time, open, high, low, close, volume from desk.series_bars(%s, %s, %s) order by bar_time"
FACTORS = """
select effective_date, kind, factor from desk.adjustment_factors
where instrument_id = %s and version = %s order by effective_date, kind
"""


def export(
    connection: psycopg.Connection[Any], folder: Path, symbols: Sequence[str], timeframe: str = "1d"
) -> Iterator[PriceSeries]:
    """Write the newest version of each symbol, and yield what was written. Raises PriceError."""
    sessions: set[dt.date] = set()
    for symbol in symbols:
        series = stored_series(connection, symbol, timeframe)
        write_series(folder, series)
        sessions.update(bar.time.date() for bar in series.bars)
        yield series
    write_databases(folder, sessions)


def stored_series(connection: psycopg.Connection[Any], symbol: str, timeframe: str = "1d") -> PriceSeries:
    """The desk's newest raw bars and factors of a symbol."""
    found = connection.execute(NEWEST, (timeframe, symbol.upper())).fetchone()
    if found is None:
        raise PriceError(
            f"the desk has no {timeframe} prices of {symbol.upper()}",
            hint="see: select * from price_coverage",
        )
    instrument, name, version, factors_version = found
    with connection.cursor(binary=True) as cursor:
        bars = cursor.execute(BARS, (instrument, timeframe, version)).fetchall()
    factors = connection.execute(FACTORS, (instrument, factors_version)).fetchall()
    return PriceSeries(
        symbol=name,
        source="desk",
        bars=tuple(Bar(*bar) for bar in bars),
        timeframe=timeframe,
        factors=tuple(Factor(*factor) for factor in factors),
    )
