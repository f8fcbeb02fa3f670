"""Bars from a CSV file: whatever its header calls them, in whatever order the columns stand."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from runners.prices.series import Bar, PriceError, PriceSeries, session_time, without_rounding

# What headers call a column; compared without case, blanks, underscores and points.
NAMES = {
    "time": ("date", "time", "datetime", "timestamp", "day", "bartime", "tradedate", "tradingday"),
    "open": ("open", "o", "openprice"),
    "high": ("high", "h", "highprice", "max"),
    "low": ("low", "l", "lowprice", "min"),
    "close": ("close", "c", "closeprice", "last", "price", "closelast"),
    "volume": ("volume", "v", "vol", "totalvolume"),
    "symbol": ("symbol", "ticker", "sym"),
}
_ADJUSTED = ("adjclose", "adjustedclose", "adjclosed")
_DAILY = re.compile(r"^[1-9][0-9]*[dw]$")
_SYMBOL = re.compile(r"^[A-Z0-9^][A-Z0-9._^-]{0,31}$")


def read_csv(
    path: Path, *, symbol: str | None = None, timeframe: str = "1d", zone: ZoneInfo | None = None
) -> list[PriceSeries]:
    """The series of a file: one, or one a symbol where it has a symbol column (`symbol` then picks one).

    Times are ISO: dates for daily and weekly bars, timestamps with a zone for shorter ones, or without one
    where `zone` says whose clock they were written by. Raises PriceError with file and line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            delimiter = max(",;\t|", key=header.count)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except OSError as error:
        raise PriceError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PriceError(f"{path} is not a CSV file: {error}", hint="save it as UTF-8 text") from error
    if len(rows) < 2:
        raise PriceError(f"{path} has no bars", hint="a header line, then one line a bar")

    columns, remarks = _columns(path, rows[0][1])
    wanted = symbol.strip().upper() if symbol else None
    series: dict[str, list[Bar]] = {}
    for line, row in rows[1:]:
        name = _cell(path, line, row, columns["symbol"], "symbol").upper() if "symbol" in columns else ""
        if name and wanted and name != wanted:
            continue
        series.setdefault(name, []).append(_bar(path, line, row, columns, timeframe, zone))
    if not series:
        raise PriceError(f"{path} has no bars of {wanted}", hint="look at its symbol column")
    return [
        _series(
            path,
            name or wanted or _symbol_of(path),
            bars,
            timeframe,
            closes_only="open" not in columns,
            remarks=remarks,
        )
        for name, bars in series.items()
    ]


def _series(
    path: Path, symbol: str, bars: list[Bar], timeframe: str, *, closes_only: bool, remarks: tuple[str, ...]
) -> PriceSeries:
    if len(bars) > 1 and all(later.time < earlier.time for earlier, later in pairwise(bars)):
        bars.reverse()
    return without_rounding(
        PriceSeries(
            symbol=symbol,
            source=f"csv: {path.name}",
            bars=tuple(bars),
            timeframe=timeframe,
            closes_only=closes_only,
            path=str(path),
            remarks=remarks,
        )
    )


def _columns(path: Path, header: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    plain = [re.sub(r"[\s_./-]", "", cell).lower().strip('"<>') for cell in header]
    columns: dict[str, int] = {}
    for column, names in NAMES.items():
        found = [position for name in names for position, cell in enumerate(plain) if cell == name]
        if found:
            columns[column] = found[0]
    lacking = [column for column in ("time", "close") if column not in columns]
    prices = [column for column in ("open", "high", "low") if column in columns]
    if prices and len(prices) < 3:
        lacking += [column for column in ("open", "high", "low") if column not in columns]
    if lacking:
        raise PriceError(
            f"{path}:1: no column for {', '.join(lacking)} in the header: {', '.join(header)}",
            hint="name them like "
            + "; ".join(f"{column}: {' or '.join(NAMES[column][:3])}" for column in lacking),
        )
    remarks = []
    if any(cell in _ADJUSTED for cell in plain):
        remarks.append("the adjusted closes are not used: bars are loaded as they are")
    return columns, tuple(remarks)


def _bar(
    path: Path, line: int, row: Sequence[str], columns: dict[str, int], timeframe: str, zone: ZoneInfo | None
) -> Bar:
    def number(name: str) -> float:
        return _number(path, line, name, _cell(path, line, row, columns[name], name))

    close = number("close")
    opened, high, low = (number(name) if name in columns else close for name in ("open", "high", "low"))
    return Bar(
        time=_time(path, line, _cell(path, line, row, columns["time"], "time"), timeframe, zone),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=number("volume") if "volume" in columns else 0.0,
        line=line,
    )


def _cell(path: Path, line: int, row: Sequence[str], position: int, name: str) -> str:
    cell = row[position].strip() if position < len(row) else ""
    if not cell:
        raise PriceError(f"{path}:{line}: {name} is empty", hint="fill it in, or delete the line")
    return cell


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise PriceError(
            f"{path}:{line}: {name} is {text!r}, which is not a number",
            hint="a decimal point, no thousands separators, no currency",
        ) from None


def _time(path: Path, line: int, text: str, timeframe: str, zone: ZoneInfo | None) -> dt.datetime:
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        raise PriceError(
            f"{path}:{line}: time is {text!r}, which is not an ISO date or time",
            hint="2024-01-31, or 2024-01-31T15:30:00-05:00 for bars shorter than a day",
        ) from None
    if _DAILY.match(timeframe):
        # A daily bar belongs to its session's date as written, whatever the zone.
        return session_time(when.date())
    if when.tzinfo is None and zone is not None:
        return when.replace(tzinfo=zone).astimezone(dt.UTC)
    if when.tzinfo is None:
        raise PriceError(
            f"{path}:{line}: time {text!r} has no time zone",
            hint="2024-01-31T15:30:00-05:00, ...Z for UTC, or --time-zone America/New_York for all of them",
        )
    return when


def _symbol_of(path: Path) -> str:
    name = path.name.partition(".")[0].upper()
    if not _SYMBOL.match(name):
        raise PriceError(f"{path} does not say its symbol", hint="give --symbol")
    return name
