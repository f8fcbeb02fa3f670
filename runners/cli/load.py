"""`backdesk load`: prices into the desk."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from runners.cli.instruments import describe_instrument
from runners.cli.loaded import load_all
from runners.prices.csv_files import read_csv
from runners.prices.csv_series import Dialect
from runners.prices.generated import generated
from runners.prices.load import Loaded
from runners.prices.sample import read_sample
from runners.prices.series import PriceError, PriceSeries
from runners.prices.tables import read_duckdb, read_parquet, read_postgresql
from runners.prices.yahoo import read_yahoo
from runners.settings import Settings

Day = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], show_default=False)]

Symbol = Annotated[
    str | None, typer.Option(help="Symbol of a file without a symbol column; else the one to load of it.")
]
Timeframe = Annotated[str, typer.Option(help="Length of a bar: 1d, 1w, 1mo, 1h, 15m, ...")]
Zone = Annotated[str | None, typer.Option(help="Of times that name none, such as America/New_York.")]
Columns = Annotated[
    str | None,
    typer.Option(help="time=Datum,close=6 by header or number; or all in order, - for one to leave."),
]
SkipBadRows = Annotated[
    bool, typer.Option("--skip-bad-rows", help="Leave out what cannot be read, counted and listed.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Also where every bar that is there changes.")]
Calendar = Annotated[
    str | None,
    typer.Option(help="Whose sessions they are: XNYS, XASX, 24/7, 24/5, ...", show_default=False),
]


def register(app: typer.Typer) -> None:
    prices = typer.Typer(
        help="Load prices; a load that changes nothing changes nothing.", no_args_is_help=True
    )
    prices.command("sample", short_help="Load the built-in sample of real daily prices.")(sample)
    prices.command("csv", short_help="Load bars from CSV files.")(csv)
    prices.command("parquet", short_help="Load bars from Parquet files and folders.")(parquet)
    prices.command("table", short_help="Load bars from a table of PostgreSQL or DuckDB.")(table)
    prices.command("yahoo", short_help="Load bars from Yahoo, which is asked now.")(yahoo)
    prices.command("instrument", short_help="Say what trading an instrument needs.")(instrument)
    prices.command("generated", short_help="Load seeded random intraday bars.")(generated_bars)
    app.add_typer(prices, name="load")


def sample() -> None:
    """Load the built-in sample: real daily prices of four stocks, two indices and five factor ETFs.

    May be repeated: what is loaded already makes no new version.
    """
    load_sample(Settings.from_environment())


def csv(
    files: Annotated[
        list[Path], typer.Argument(help="CSV files, one or many symbols in each.", show_default=False)
    ],
    symbol: Symbol = None,
    timeframe: Timeframe = "1d",
    time_zone: Zone = None,
    columns: Columns = None,
    date_format: Annotated[
        str | None, typer.Option(help="How dates are written, such as %d/%m/%Y or %m/%d/%Y.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="The decimal mark: . or ,")] = None,
    thousands: Annotated[str | None, typer.Option(help="The mark between thousands: , or .")] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as utf-8, cp1252 or utf-16.")] = None,
    skip_bad_rows: SkipBadRows = False,
    replace: Replace = False,
    calendar: Calendar = None,
) -> None:
    """Load bars from CSV files, as their sources write them.

    Read as they are: files of yfinance, pandas, Stooq, MetaTrader, Alpha Vantage, NSE, nasdaq.com,
    investing.com, Interactive Brokers, Kaggle and crypto exchanges, with or without a header. What was
    recognised is said, and so is each column that is not read. Where a file does not tell day from month, or
    13.250 from thousands, it is asked for. A file without open, high and low has closes only. Bars shorter
    than a day need a time zone and stand at the time when they begin.

    A session is the exchange's day. Which exchange, --calendar says; else it follows from the time zone (that
    of --time-zone, or that whose clock has the times' offsets), and 24/7 and 24/5 from the bars themselves.

    Examples:

      backdesk load csv AAPL.csv

      backdesk load csv bars.csv --symbol SPY --timeframe 15m --time-zone America/New_York

      backdesk load csv kurse.csv --columns time=Tag,close=Kurs --decimal ,

      backdesk load csv BHP.csv --timeframe 1h --time-zone Australia/Sydney --calendar XASX
    """
    for name, mark in (("--decimal", decimal), ("--thousands", thousands)):
        if mark not in (None, ".", ","):
            raise PriceError(f"{name} {mark} is no mark", hint="a point or a comma")
    if decimal and decimal == thousands:
        raise PriceError(f"{decimal!r} cannot be both the decimal mark and the one between thousands")
    dialect = Dialect(columns, date_format, decimal, thousands, encoding, skip_bad_rows)
    zone = _zone(time_zone)
    series = [
        one
        for file in files
        for one in read_csv(file, symbol=symbol, timeframe=timeframe, zone=zone, dialect=dialect)
    ]
    _load_files(series, replace, calendar)


def parquet(
    paths: Annotated[
        list[Path], typer.Argument(help="Files, or folders with files below.", show_default=False)
    ],
    symbol: Symbol = None,
    timeframe: Timeframe = "1d",
    time_zone: Zone = None,
    columns: Columns = None,
    skip_bad_rows: SkipBadRows = False,
    replace: Replace = False,
    calendar: Calendar = None,
) -> None:
    """Load bars from Parquet files, read as CSV files are; pip install 'backdesk[tables]'.

    Of a folder all files below it that end in .parquet; symbol=SPY/part-0.parquet is of SPY.

    Example:

      backdesk load parquet minutes/ --timeframe 1m --time-zone UTC
    """
    dialect = Dialect(columns=columns, skip_bad_rows=skip_bad_rows)
    zone = _zone(time_zone)
    series = [
        one
        for path in paths
        for one in read_parquet(path, symbol=symbol, timeframe=timeframe, zone=zone, dialect=dialect)
    ]
    _load_files(series, replace, calendar)


def table(
    query: Annotated[str, typer.Argument(help="A table's name, or a query.", show_default=False)],
    source: Annotated[
        str, typer.Option("--from", help="postgresql://... or a DuckDB file.", show_default=False)
    ],
    symbol: Symbol = None,
    timeframe: Timeframe = "1d",
    time_zone: Zone = None,
    columns: Columns = None,
    skip_bad_rows: SkipBadRows = False,
    replace: Replace = False,
    calendar: Calendar = None,
) -> None:
    """Load bars from a table or query of any PostgreSQL, or of a DuckDB file; only read there.

    Columns are told as those of CSV files are; a column of symbols makes several series. The password of a
    PostgreSQL may be in ~/.pgpass or PGPASSWORD.

    Examples:

      backdesk load table prices.daily --from postgresql://reader@db/market

      backdesk load table "select ts, o, h, l, c, v from bars" --from bars.duckdb --symbol SPY --timeframe 1m
    """
    dialect = Dialect(columns=columns, skip_bad_rows=skip_bad_rows)
    how: dict[str, Any] = {
        "symbol": symbol, "timeframe": timeframe, "zone": _zone(time_zone), "dialect": dialect,
    }  # fmt: skip
    if source.startswith(("postgresql://", "postgres://")) or "=" in source:
        series = read_postgresql(source, query, **how)
    else:
        series = read_duckdb(Path(source), query, **how)
    _load_files(series, replace, calendar)


def yahoo(
    symbols: Annotated[list[str], typer.Argument(help="Yahoo's symbols, such as SPY.", show_default=False)],
    start: Day = None,
    end: Day = None,
    timeframe: Annotated[str, typer.Option(help="1d, 1w, 1mo, 1h, 30m, 15m, 5m or 1m.")] = "1d",
    calendar: Calendar = None,
) -> None:
    """Load bars from Yahoo through yfinance, which is installed with `backdesk[yahoo]`.

    For personal use: Yahoo's terms say so. Without a window it is all that Yahoo has; of bars shorter than a
    day it has some weeks only.

    Example:

      backdesk load yahoo SPY QQQ --start 2010-01-01
    """
    first, last = start and start.date(), end and end.date()
    series = [read_yahoo(symbol, start=first, end=last, timeframe=timeframe) for symbol in symbols]
    if calendar is not None:
        series = [dataclasses.replace(one, calendar=calendar) for one in series]
    load_all(series, Settings.from_environment())


def generated_bars(
    symbols: Annotated[list[str] | None, typer.Argument(help="Names of your own.")] = None,
    start: Day = None,
    end: Day = None,
    timeframe: Annotated[str, typer.Option(help="Length of a bar: 1m, 5m, 15m, 1h, ...")] = "5m",
    seed: Annotated[int, typer.Option(help="Another seed, another random walk.")] = 0,
    calendar: Annotated[str, typer.Option(help="Exchange (ISO code) whose sessions they fill.")] = "XNYS",
) -> None:
    """Load intraday bars made by chance in real sessions: half days, clock changes, gaps over night.

    They prove that a strategy's code works, never that its idea does. Equal seeds give equal bars.

    Example:

      backdesk load generated GEN1 GEN2 --start 2012-01-03 --end 2012-12-31 --seed 7
    """
    first, last = (start or dt.datetime(2012, 1, 3)).date(), (end or dt.datetime(2012, 12, 31)).date()
    series = [
        generated(symbol, first, last, seed=seed, timeframe=timeframe, calendar=calendar)
        for symbol in symbols or ["GEN1", "GEN2"]
    ]
    load_all(series, Settings.from_environment())


def instrument(
    symbol: Annotated[str, typer.Argument(help="Before or after its prices.", show_default=False)],
    currency: Annotated[str | None, typer.Option(help="Of its prices, such as USD.")] = None,
    multiplier: Annotated[
        float | None, typer.Option(help="Money that a unit gains when its price rises by 1: 50 of ES.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Money that a position needs a unit, which is then marked to market.")
    ] = None,
    tick: Annotated[float | None, typer.Option(help="Smallest step of its price.")] = None,
    lot: Annotated[float | None, typer.Option(help="An order is a multiple of it: 100, 0.001.")] = None,
    calendar: Calendar = None,
) -> None:
    """Say what trading an instrument needs: currency, multiplier, margin, tick, lot, calendar.

    What is not named stays as it is; 0 takes margin, tick or lot away. Without options it is shown. Searches
    that were queued before keep what they were queued with.

    Example:

      backdesk load instrument ES=F --currency USD --multiplier 50 --margin 13200 --tick 0.25
    """
    describe_instrument(
        Settings.from_environment(), symbol, currency=currency, multiplier=multiplier, margin=margin,
        tick=tick, lot=lot, calendar=calendar,
    )  # fmt: skip


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        hint = "such as America/New_York or UTC"
        raise PriceError(f"there is no time zone {name!r}", hint=hint) from None


def _load_files(series: list[PriceSeries], replace: bool, calendar: str | None) -> None:
    _refuse_twins(series)
    series = [dataclasses.replace(one, replaces=replace, calendar=calendar) for one in series]
    load_all(series, Settings.from_environment())


def _refuse_twins(series: Iterable[PriceSeries]) -> None:
    """Two files of one symbol: the second would replace bars of the first."""
    paths: dict[str, str | None] = {}
    for one in series:
        if one.symbol in paths:
            raise PriceError(
                f"{paths[one.symbol]} and {one.path} both bring {one.symbol}",
                hint="load one after the other, or name one's symbol with --symbol",
            )
        paths[one.symbol] = one.path


def load_sample(settings: Settings) -> list[Loaded]:
    """Loads the sample and shows what was loaded."""
    found = read_sample()
    loaded = load_all(found.series, settings)
    for remark in found.missing:
        print(f"left out: {remark}")
    return loaded
