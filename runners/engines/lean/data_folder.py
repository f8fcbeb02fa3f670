"""LEAN's data folder: raw bars as zipped CSV, with factor files and map files, read and written.

Layout: `equity/usa/daily/spy.zip` and `hour/spy.zip` with one `spy.csv`; `minute/spy/20131007_trade.zip`, one
a day. Prices are dollars times 10,000, raw; times are New York's; a daily bar stands at 00:00. The row of a
factor file holds until its date, and its factors are cumulated. A map file says which ticker the company had
until when: a ticker's file may begin with the bars of another company, and the company's own early bars lie
under another ticker.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, localcontext
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from runners.prices.series import Bar, Factor, PriceError, PriceSeries, session_time

NEW_YORK = ZoneInfo("America/New_York")
FOLDERS = {"1d": "daily", "1h": "hour", "1m": "minute"}
EQUITY = Path("equity") / "usa"
FAR = dt.date(2050, 12, 31)
SCALE = 10_000
_DIGITS = 28
"""As many digits as LEAN's decimals have; enough for factors to come back to the bit."""
_MAX_ZIP = 512 << 20
_TICKER = re.compile(r"^[a-z0-9._^-]{1,32}$")


@dataclass(frozen=True)
class Reading:
    """A ticker and the days on which the company had it, both included."""

    ticker: str
    first: dt.date
    last: dt.date


def symbols_in(folder: Path, timeframe: str = "1d") -> list[str]:
    """Symbols that a data folder has bars of."""
    place = folder / EQUITY / _folder(timeframe)
    found = place.glob("*") if timeframe == "1m" else place.glob("*.zip")
    return sorted(path.stem.upper() for path in found)


def read_series(folder: Path, symbol: str, timeframe: str = "1d") -> PriceSeries:
    """One company's raw bars and factors. Raises PriceError."""
    ticker = symbol.casefold()
    if not _TICKER.match(ticker):
        raise PriceError(f"{symbol} is no ticker that LEAN has files for")
    readings = _map(folder, ticker)
    bars: list[Bar] = []
    remarks: list[str] = []
    for reading in readings:
        mine = [
            bar
            for bar in _bars(folder, reading.ticker, timeframe)
            if reading.first <= _day(bar, timeframe) <= reading.last
        ]
        if not mine and reading.ticker != ticker:
            remarks.append(
                f"no bars from {reading.first} to {reading.last}, when it traded as {reading.ticker.upper()}"
            )
        bars += mine
    if not bars:
        raise PriceError(
            f"{folder} has no {_folder(timeframe)} bars of {symbol.upper()}",
            hint="name the folder that holds equity/usa, and a symbol that lies in it",
        )
    dropped = sum(1 for bar in _bars(folder, ticker, timeframe) if _day(bar, timeframe) < readings[0].first)
    if dropped:
        remarks.append(f"{dropped:,} bars before {readings[0].first} are another company's: left out")
    return PriceSeries(
        symbol=symbol.upper(),
        source="lean",
        bars=tuple(bars),
        timeframe=timeframe,
        factors=_factors(folder, ticker, [_day(bar, timeframe) for bar in bars]),
        path=str(_file(folder, ticker, timeframe)),
        remarks=tuple(remarks),
    )


def write_series(folder: Path, series: PriceSeries, *, exchange: str = "Q") -> None:
    """Raw bars, factor file and map file of one series, such that `read_series` gives the same. Raises
    PriceError."""
    ticker = series.symbol.casefold()
    if not _TICKER.match(ticker):
        raise PriceError(f"{series.symbol} cannot be the name of a LEAN file")
    if not series.bars:
        raise PriceError(f"{series.symbol} has no bars to write")
    try:
        _write_bars(folder, ticker, series)
        first = _day(series.bars[0], series.timeframe)
        _write(
            folder / EQUITY / "map_files" / f"{ticker}.csv",
            [(first, ticker, exchange), (FAR, ticker, exchange)],
        )
        _write(folder / EQUITY / "factor_files" / f"{ticker}.csv", _factor_rows(series))
    except OSError as error:
        raise PriceError(f"{series.symbol} cannot be written to {folder}: {error.strerror}") from error


# Reading


def _folder(timeframe: str) -> str:
    if timeframe not in FOLDERS:
        raise PriceError(f"LEAN has no bars of {timeframe}", hint=f"one of {', '.join(FOLDERS)}")
    return FOLDERS[timeframe]


def _file(folder: Path, ticker: str, timeframe: str) -> Path:
    place = folder / EQUITY / _folder(timeframe)
    return place / ticker if timeframe == "1m" else place / f"{ticker}.zip"


def _map(folder: Path, ticker: str) -> list[Reading]:
    rows = list(_rows(folder / EQUITY / "map_files" / f"{ticker}.csv"))
    if not rows:
        return [Reading(ticker, dt.date.min, dt.date.max)]
    readings = []
    since = rows[0][1]
    for _, until, cells in rows[1:] or rows:
        if until >= since:
            readings.append(Reading(cells[0].casefold(), since, until))
        since = until + dt.timedelta(days=1)
    return readings


def _rows(path: Path) -> Iterator[tuple[int, dt.date, list[str]]]:
    """Line number, date and further cells of a map file or factor file; nothing where there is none."""
    if not path.is_file():
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line, cells in enumerate(csv.reader(file), start=1):
                if len(cells) >= 2:
                    yield line, dt.datetime.strptime(cells[0].strip(), "%Y%m%d").date(), cells[1:]
    except (OSError, ValueError, csv.Error) as error:
        raise PriceError(f"{path}: {error}") from error


def _bars(folder: Path, ticker: str, timeframe: str) -> Iterator[Bar]:
    place = _file(folder, ticker, timeframe)
    if timeframe != "1m":
        if place.is_file():
            yield from _zipped(place, None, timeframe)
        return
    for path in sorted(place.glob("*_trade.zip")) if place.is_dir() else ():
        try:
            day = dt.datetime.strptime(path.name[:8], "%Y%m%d").date()
        except ValueError as error:
            raise PriceError(f"{path}: its name does not begin with a date") from error
        yield from _zipped(path, day, timeframe)


def _zipped(path: Path, day: dt.date | None, timeframe: str) -> Iterator[Bar]:
    try:
        with zipfile.ZipFile(path) as archive:
            [member] = [entry for entry in archive.infolist() if entry.filename.endswith(".csv")]
            if member.file_size > _MAX_ZIP:
                raise PriceError(f"{path}: {member.file_size:,} bytes unpacked are too many")
            content = archive.read(member).decode("utf-8-sig")
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise PriceError(f"{path} is no zip file of bars: {error}") from error
    for line, cells in enumerate(csv.reader(io.StringIO(content)), start=1):
        if not cells:
            continue
        try:
            prices = [float(Decimal(cell) / SCALE) for cell in cells[1:5]]
            opened, high, low, close = prices
            yield Bar(_time(cells[0], day, timeframe), opened, high, low, close, float(cells[5]), line)
        except (ValueError, InvalidOperation, IndexError, OverflowError) as error:
            raise PriceError(f"{path}:{line}: {','.join(cells)[:80]!r} is no bar") from error


def _time(cell: str, day: dt.date | None, timeframe: str) -> dt.datetime:
    if day is not None:
        midnight = dt.datetime.combine(day, dt.time(), NEW_YORK)
        # Milliseconds since midnight on New York's clock, not since the instant of midnight.
        return (midnight + dt.timedelta(milliseconds=int(cell))).astimezone(dt.UTC)
    moment = dt.datetime.strptime(cell, "%Y%m%d %H:%M")
    return (
        session_time(moment.date())
        if timeframe == "1d"
        else moment.replace(tzinfo=NEW_YORK).astimezone(dt.UTC)
    )


def _day(bar: Bar, timeframe: str) -> dt.date:
    """The session of a bar: a daily bar stands at 00:00 UTC of it."""
    return bar.time.date() if timeframe == "1d" else bar.time.astimezone(NEW_YORK).date()


def _factors(folder: Path, ticker: str, days: Sequence[dt.date]) -> tuple[Factor, ...]:
    """Dated factors from a factor file's cumulated ones: those of a row over those of the next."""
    rows = list(_rows(folder / EQUITY / "factor_files" / f"{ticker}.csv"))
    steps: dict[tuple[dt.date, str], Decimal] = {}
    with localcontext() as context:
        context.prec = _DIGITS
        for (line, date, cells), (_, _, later) in pairwise(rows):
            # It takes effect at the first bar after the row's date; before the first bar it is of no use.
            next_bar = bisect_right(days, date)
            if next_bar in (0, len(days)):
                continue
            for column, kind in ((0, "dividend"), (1, "split")):
                try:
                    step = Decimal(cells[column]) / Decimal(later[column])
                except (InvalidOperation, IndexError, ZeroDivisionError) as error:
                    raise PriceError(f"{ticker}.csv:{line}: {cells} is no row of a factor file") from error
                if step != 1:
                    # Events inside of a hole in the bars all take effect at its end.
                    key = (days[next_bar], kind)
                    steps[key] = steps.get(key, Decimal(1)) * step
    return tuple(Factor(date, kind, float(step)) for (date, kind), step in steps.items())


# Writing


def _write(path: Path, rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (
        ",".join(f"{cell:%Y%m%d}" if isinstance(cell, dt.date) else str(cell) for cell in row) for row in rows
    )
    path.write_text("\n".join(lines), encoding="ascii")


def _write_bars(folder: Path, ticker: str, series: PriceSeries) -> None:
    place = _file(folder, ticker, series.timeframe)
    if series.timeframe != "1m":
        _zip(place, f"{ticker}.csv", (_row(bar, series.timeframe) for bar in series.bars))
        return
    days: dict[dt.date, list[Bar]] = {}
    for bar in series.bars:
        days.setdefault(bar.time.astimezone(NEW_YORK).date(), []).append(bar)
    for day, bars in days.items():
        name = f"{day:%Y%m%d}_{ticker}_minute_trade.csv"
        _zip(place / f"{day:%Y%m%d}_trade.zip", name, (_row(bar, series.timeframe) for bar in bars))


def _zip(path: Path, name: str, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # With a fixed time inside, equal bars are equal files.
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "\n".join(lines) + "\n")


def _row(bar: Bar, timeframe: str) -> str:
    if timeframe == "1d":
        time = f"{_day(bar, timeframe):%Y%m%d} 00:00"
    else:
        moment = bar.time.astimezone(NEW_YORK)
        time = f"{moment:%Y%m%d %H:%M}"
        if timeframe == "1m":
            time = str(((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1000)
    prices = (_scaled(price) for price in (bar.open, bar.high, bar.low, bar.close))
    return ",".join((time, *prices, _number(Decimal(repr(bar.volume)))))


def _scaled(price: float) -> str:
    """Whole ten-thousandths where the price has no more digits, else a decimal, which LEAN reads as well."""
    return _number(Decimal(repr(price)) * SCALE)


def _number(value: Decimal) -> str:
    return str(int(value)) if value == value.to_integral_value() else f"{value.normalize():f}"


def _factor_rows(series: PriceSeries) -> Iterator[tuple[dt.date, str, str, str]]:
    """Date, cumulated dividend factor, cumulated split factor, close; the row of an event stands on the last
    bar before it, as LEAN expects."""
    days = [_day(bar, series.timeframe) for bar in series.bars]
    events: dict[int, dict[str, Decimal]] = {}
    for factor in series.factors or ():
        before = _last_before(days, factor.effective_date)
        if before >= 0:
            on_day = events.setdefault(before, {})
            on_day[factor.kind] = on_day.get(factor.kind, Decimal(1)) * Decimal(repr(factor.factor))
    rows = [(FAR, "1", "1", "0")]
    with localcontext() as context:
        context.prec = _DIGITS
        dividend = split = Decimal(1)
        for bar in sorted(events, reverse=True):
            dividend *= events[bar].get("dividend", Decimal(1))
            split *= events[bar].get("split", Decimal(1))
            close = _number(Decimal(repr(series.bars[bar].close)))
            rows.append((days[bar], f"{dividend:f}", f"{split:f}", close))
        if days[0] < rows[-1][0]:
            rows.append((days[0], f"{dividend:f}", f"{split:f}", "1"))
    yield from reversed(rows)


def _last_before(days: Sequence[dt.date], date: dt.date) -> int:

    return bisect_left(days, date) - 1
