"""`backdesk load`: prices into the desk."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console

from runners.cli.text_table import text_table
from runners.database.connection import connect
from runners.prices.calendars import fill_calendars, import_ahead
from runners.prices.csv_files import read_csv
from runners.prices.csv_series import Dialect
from runners.prices.doubts import doubts
from runners.prices.generated import generated
from runners.prices.load import Loaded, load
from runners.prices.sample import read_sample
from runners.prices.series import PriceError, PriceSeries
from runners.prices.yahoo import read_yahoo
from runners.settings import Settings

Day = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], show_default=False)]

_GAPS_SHOWN = 5
_HEADINGS = ("symbol", "bar", "from", "to", "bars", "new", "changed", "factors", "gaps", "version")


def register(app: typer.Typer) -> None:
    prices = typer.Typer(
        help="Load prices; a load that changes nothing changes nothing.", no_args_is_help=True
    )
    prices.command("sample", short_help="Load the built-in sample of real daily prices.")(sample)
    prices.command("csv", short_help="Load bars from CSV files.")(csv)
    prices.command("yahoo", short_help="Load bars from Yahoo, which is asked now.")(yahoo)
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
    symbol: Annotated[
        str | None, typer.Option(help="Symbol of a file without a symbol column; else the one to load of it.")
    ] = None,
    timeframe: Annotated[str, typer.Option(help="Length of a bar: 1d, 1w, 1h, 15m, ...")] = "1d",
    time_zone: Annotated[
        str | None, typer.Option(help="Of times that name none, such as America/New_York.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="time=Datum,close=6 by header or number; or all in order, - for one to leave."),
    ] = None,
    date_format: Annotated[
        str | None, typer.Option(help="How dates are written, such as %d/%m/%Y or %m/%d/%Y.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="The decimal mark: . or ,")] = None,
    thousands: Annotated[str | None, typer.Option(help="The mark between thousands: , or .")] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as utf-8, cp1252 or utf-16.")] = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Leave out what cannot be read, counted and listed.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where every bar that is there changes.")
    ] = False,
) -> None:
    """Load bars from CSV files, as their sources write them.

    Read as they are: files of yfinance, pandas, Stooq, MetaTrader, Alpha Vantage, NSE, nasdaq.com,
    investing.com, Interactive Brokers, Kaggle and crypto exchanges, with or without a header. What was
    recognised is said, and so is each column that is not read. Where a file does not tell day from month, or
    13.250 from thousands, it is asked for. A file without open, high and low has closes only. Bars shorter
    than a day need a time zone and stand at the time when they begin.

    Examples:

      backdesk load csv AAPL.csv

      backdesk load csv bars.csv --symbol SPY --timeframe 15m --time-zone America/New_York

      backdesk load csv kurse.csv --columns time=Tag,close=Kurs --decimal ,
    """
    for name, mark in (("--decimal", decimal), ("--thousands", thousands)):
        if mark not in (None, ".", ","):
            raise PriceError(f"{name} {mark} is no mark", hint="a point or a comma")
    if decimal and decimal == thousands:
        raise PriceError(f"{decimal!r} cannot be both the decimal mark and the one between thousands")
    dialect = Dialect(columns, date_format, decimal, thousands, encoding, skip_bad_rows)
    try:
        zone = ZoneInfo(time_zone) if time_zone else None
    except (ZoneInfoNotFoundError, ValueError):
        hint = "such as America/New_York or UTC"
        raise PriceError(f"there is no time zone {time_zone!r}", hint=hint) from None
    series = [
        one
        for file in files
        for one in read_csv(file, symbol=symbol, timeframe=timeframe, zone=zone, dialect=dialect)
    ]
    _refuse_twins(series)
    series = [dataclasses.replace(one, replaces=replace) for one in series]
    _load_all(series, Settings.from_environment())


def yahoo(
    symbols: Annotated[list[str], typer.Argument(help="Yahoo's symbols, such as SPY.", show_default=False)],
    start: Day = None,
    end: Day = None,
    timeframe: Annotated[str, typer.Option(help="1d, 1w, 1h, 30m, 15m, 5m or 1m.")] = "1d",
) -> None:
    """Load bars from Yahoo through yfinance, which is installed with `backdesk[yahoo]`.

    For personal use: Yahoo's terms say so. Without a window it is all that Yahoo has; of bars shorter than a
    day it has some weeks only.

    Example:

      backdesk load yahoo SPY QQQ --start 2010-01-01
    """
    first, last = start and start.date(), end and end.date()
    series = [read_yahoo(symbol, start=first, end=last, timeframe=timeframe) for symbol in symbols]
    _load_all(series, Settings.from_environment())


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
    _load_all(series, Settings.from_environment())


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
    loaded = _load_all(found.series, settings)
    for remark in found.missing:
        print(f"left out: {remark}")
    return loaded


def show(loaded: Iterable[Loaded], seconds: float) -> None:
    """A table of the series, then gaps and remarks, then one line."""
    done = list(loaded)
    rows = [
        (
            one.series.symbol,
            one.series.timeframe,
            f"{one.first_bar:%Y-%m-%d}",
            f"{one.last_bar:%Y-%m-%d}",
            f"{one.bar_count:,}",
            f"{one.new_bars:,}",
            f"{one.changed_bars:,}",
            "" if one.series.factors is None else str(len(one.series.factors)),
            str(len(one.gaps)),
            str(one.version),
        )
        for one in done
    ]
    print(text_table(_HEADINGS, rows, right=_HEADINGS[4:]))
    for remark, symbols in _remarks(done).items():
        print(f"{', '.join(symbols)}: {remark}")
    changed = sum(one.status == "loaded" for one in done)
    print(f"{changed} series loaded, {len(done) - changed} unchanged ({seconds:.1f} s)")


def _remarks(loaded: Iterable[Loaded]) -> dict[str, list[str]]:
    """Every remark once, with the symbols that it is about."""
    symbols: dict[str, list[str]] = {}
    for one in loaded:
        remarks = [*one.series.remarks, *doubts(one.series, dt.datetime.now(dt.UTC))]
        if one.series.closes_only:
            remarks.append("closes only: open, high and low repeat the close")
        shown = [
            f"{gap.last_before:%Y-%m-%d} to {gap.first_after:%Y-%m-%d}" for gap in one.gaps[:_GAPS_SHOWN]
        ]
        more = len(one.gaps) - len(shown)
        remarks += [f"no bars from {gap}" for gap in shown] + ([f"{more} more gaps"] if more else [])
        for remark in remarks:
            symbols.setdefault(remark, []).append(one.series.symbol)
    return symbols


def _load_all(series: Iterable[PriceSeries], settings: Settings) -> list[Loaded]:
    """Loads each series by itself, so that a refused one takes none of the others with it."""
    waiting, done = list(series), list[Loaded]()
    began = time.perf_counter()
    try:
        with (
            connect("director", settings=settings) as director,
            Console(stderr=True).status("loading") as status,
        ):
            for number, one in enumerate(waiting, start=1):
                status.update(f"loading {one.symbol} ({number} of {len(waiting)})")
                done.append(load(director, one))
                if number == 1:
                    import_ahead(director)
            fill_calendars(director)
    finally:
        if done:
            show(done, time.perf_counter() - began)
    return done
