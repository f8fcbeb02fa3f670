"""Bars from a CSV file: as its source writes them, or as options say; no guesses, nothing dropped unsaid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from runners.prices.bars import Bars
from runners.prices.clock_changes import to_utc
from runners.prices.csv_columns import PRICES, Columns, Layout, layout_of
from runners.prices.csv_text import Cells, Text, read_cells, read_text
from runners.prices.notation import EMPTY, Faults, Notation, as_numbers, notation_of, numbers
from runners.prices.series import PriceError, PriceSeries, without_rounding
from runners.prices.symbols import is_symbol, symbol_of
from runners.prices.time_texts import DAY, NO_ZONE, Times, read_times

LISTED = 10
"""Rows left out that are named one by one."""


@dataclass(frozen=True)
class Dialect:
    """What the user says of a file; None is what the file itself shows."""

    columns: str | None = None
    date_format: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    skip_bad_rows: bool = False


@dataclass(frozen=True)
class _Wanted:
    """What is to be read of a file, and how."""

    text: Text
    layout: Layout
    cells: Cells
    dialect: Dialect
    timeframe: str
    zone: ZoneInfo | None
    notation: Notation
    plain: dict[int, np.ndarray]
    """Whole columns of numbers that are written as Python writes them, by place."""


def read_csv(
    path: Path,
    *,
    symbol: str | None = None,
    timeframe: str = "1d",
    zone: ZoneInfo | None = None,
    dialect: Dialect | None = None,
) -> list[PriceSeries]:
    """The series of a file: one, or one a symbol where it has several (`symbol` then picks one).

    Daily and weekly bars belong to the date as written; shorter ones need times with a zone, or `zone`, which
    says whose clock they were written by. Raises PriceError with file and line.
    """
    dialect = dialect or Dialect()
    text = read_text(path, dialect.encoding)
    layout = layout_of(text, dialect.columns)
    cells = read_cells(text, layout.first)
    if not cells.lines:
        raise PriceError(f"{path} has no bars", hint="a header line, then one line a bar")
    known = Notation(dialect.decimal or layout.notation.decimal, dialect.thousands)
    places = {group.at[name] for group in layout.groups for name in (*PRICES, "volume") if name in group.at}
    plain = {place: found for place in places if (found := as_numbers(_column(cells, place))) is not None}
    # A decimal comma cannot stand bare between commas, and so a point there is what it seems.
    doubtful = [place for place in sorted(places) if text.delimiter != "," or place not in plain]
    notation = notation_of(path, cells.lines, (_column(cells, place) for place in doubtful), known)
    wanted = _Wanted(text, layout, cells, dialect, timeframe, zone, notation, plain)

    asked = symbol.strip().upper() if symbol else None
    series: list[PriceSeries] = []
    for group in layout.groups:
        series += _of_group(wanted, group, asked)
    if asked and len(layout.groups) > 1:
        series = [one for one in series if one.symbol == asked]
    if not series:
        raise PriceError(f"{path} has no bars of {asked}", hint="look at its symbol column")
    return series


def _of_group(wanted: _Wanted, group: Columns, asked: str | None) -> list[PriceSeries]:
    path, cells, at = wanted.text.path, wanted.cells, group.at
    every = np.arange(len(cells.lines))
    if "symbol" not in at:
        alone = len(wanted.layout.groups) == 1
        name = (asked if alone else None) or group.symbol or symbol_of(path)
        if len(wanted.layout.groups) > 1:
            # One table for several symbols has empty cells where one of them did not trade.
            traded = [_column(cells, at[price]) for price in PRICES if price in at]
            every = every[
                [any(cell.strip().lower() not in EMPTY for cell in row) for row in zip(*traded, strict=True)]
            ]
        return [_series(wanted, name, at, every)] if len(every) else []
    names = np.array([cell.strip().upper() for cell in _column(cells, at["symbol"])], dtype=object)
    found = dict.fromkeys(names)
    empty = np.flatnonzero(names == "")
    if len(empty) and not wanted.dialect.skip_bad_rows:
        raise PriceError(
            f"{path}:{cells.lines[empty[0]]}: symbol is empty", hint="fill it in, or --skip-bad-rows"
        )
    series = []
    for name in found:
        if not name or (asked and asked != name and len(found) > 1):
            continue
        if not is_symbol(name) and not (asked and len(found) == 1):
            row = int(np.flatnonzero(names == name)[0])
            raise PriceError(
                f"{path}:{cells.lines[row]}: {name!r} is not a symbol",
                hint="--columns says which column has symbols, or none; --symbol names the only one",
            )
        series.append(
            _series(wanted, asked if asked and len(found) == 1 else name, at, np.flatnonzero(names == name))
        )
    return series


def _series(wanted: _Wanted, symbol: str, at: dict[str, int], rows: np.ndarray) -> PriceSeries:
    """One symbol's bars, of these rows."""
    path, cells = wanted.text.path, wanted.cells
    lines = np.array(cells.lines, dtype=np.int64)[rows]

    def column(name: str) -> list[str]:
        all_of_it = _column(cells, at[name])
        return all_of_it if len(rows) == len(all_of_it) else [all_of_it[row] for row in rows]

    def figures(name: str, empty: float | None) -> tuple[np.ndarray, Faults, int]:
        if wanted.notation.decimal == "." and at[name] in wanted.plain:
            return wanted.plain[at[name]][rows], {}, 0
        return numbers(name, column(name), wanted.notation, empty=empty)

    faults: Faults = {}
    times = read_times(
        path,
        cells.lines if len(rows) == len(cells.lines) else [cells.lines[row] for row in rows],
        column("time"),
        column("clock") if "clock" in at else None,
        wanted.dialect.date_format,
        wanted.layout.order,
    )
    stamps, remarks = _utc(wanted, times, lines)
    remarks = (*times.remarks, *remarks)
    faults |= times.faults
    values: dict[str, np.ndarray] = {}
    for name in PRICES:
        if name in at:
            values[name], wrong, _ = figures(name, None)
            faults = wrong | faults
    values = {name: values.get(name, values["close"]) for name in PRICES}
    volume, said = np.zeros(len(rows)), list[str]()
    if "volume" in at:
        volume, wrong, missing = figures("volume", 0.0)
        faults = wrong | faults
        # Interactive Brokers writes -1 where a bar has no volume.
        silent = volume == -1
        missing += int(np.count_nonzero(silent))
        volume = np.where(silent, 0.0, volume)
        said += [f"{missing} bars without a volume: read as 0"] if missing else []
    bars = Bars(stamps, values["open"], values["high"], values["low"], values["close"], volume, lines)
    bars, skipped = _without(wanted, bars, faults, symbol)
    if len(bars) > 1 and bool(np.all(np.diff(bars.times) < 0)):
        bars = bars[::-1]
    series = PriceSeries(
        symbol=symbol,
        source=f"csv: {path.name}",
        bars=bars,
        timeframe=wanted.timeframe,
        closes_only="open" not in at,
        path=str(path),
        remarks=(*wanted.text.remarks, *wanted.layout.remarks, *_unread(wanted), *said, *remarks, *skipped),
    )
    return without_rounding(series)


def _utc(wanted: _Wanted, times: Times, lines: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """When bars began, or their session's date; adds to the faults of `times`."""
    if wanted.timeframe[-1:] in ("d", "w"):
        return times.local - times.local % DAY, ()
    open_ended = times.offset == NO_ZONE
    if not open_ended.any():
        return times.local - times.offset, ()
    zone = wanted.zone
    if times.zone:
        try:
            zone = ZoneInfo(times.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise PriceError(
                f"{wanted.text.path}:{lines[0]}: there is no time zone {times.zone!r}",
                hint="mend it in the file",
            ) from None
    if zone is None:
        row = next((int(row) for row in np.flatnonzero(open_ended) if int(row) not in times.faults), None)
        if row is None:
            return times.local, ()
        stamp = str(times.local[row].astype("datetime64[us]"))[:19]
        raise PriceError(
            f"{wanted.text.path}:{lines[row]}: time {stamp!r} has no time zone",
            hint="2024-01-31T15:30:00-05:00, ...Z for UTC, or --time-zone America/New_York for all of them",
        )
    local, wrong, remarks = to_utc(times.local[open_ended], zone)
    stamps = times.local - np.where(open_ended, 0, times.offset)
    stamps[open_ended] = local
    places = np.flatnonzero(open_ended)
    times.faults.update({int(places[row]): fault for row, fault in wrong.items()})
    return stamps, remarks


def _without(wanted: _Wanted, bars: Bars, faults: Faults, symbol: str) -> tuple[Bars, tuple[str, ...]]:
    """The bars without rows that could not be read, which are refused unless the user wants them left out."""
    path, lines = wanted.text.path, bars.lines
    assert lines is not None
    if wanted.dialect.skip_bad_rows:
        faults = _impossible(bars) | faults
    if not faults:
        return bars, ()
    first = min(faults)
    if not wanted.dialect.skip_bad_rows:
        raise PriceError(f"{path}:{lines[first]}: {faults[first]}", hint=_hint(faults[first]))
    kept = np.ones(len(bars), dtype=bool)
    kept[list(faults)] = False
    if not kept.any():
        raise PriceError(
            f"{path}: no row of {symbol} can be read, the first for: {faults[first]}",
            hint=_hint(faults[first]),
        )
    listed = [f"line {lines[row]} left out: {faults[row]}" for row in sorted(faults)[:LISTED]]
    more = f", the first {LISTED} of them:" if len(faults) > LISTED else ":"
    return bars.taken(np.flatnonzero(kept)), (f"{len(faults)} bad rows left out{more}", *listed)


def _impossible(bars: Bars) -> Faults:
    """What the database would refuse a bar for, by row."""
    prices = np.stack([bars.open, bars.high, bars.low, bars.close])
    with np.errstate(invalid="ignore"):
        wrong = {
            "a price is no positive number": ~((prices > 0) & np.isfinite(prices)).all(axis=0),
            "volume is below zero": ~((bars.volume >= 0) & np.isfinite(bars.volume)),
            "high is not the highest price": bars.high * (1 + 1e-9) < prices.max(axis=0),
            "low is not the lowest price": bars.low * (1 - 1e-9) > prices.min(axis=0),
        }
    return {int(row): said for said, rows in reversed(wrong.items()) for row in np.flatnonzero(rows)}


def _hint(fault: str) -> str:
    if fault.startswith("time is empty") or fault.endswith("is empty"):
        return "fill it in, delete the line, or --skip-bad-rows"
    if fault.startswith("time"):
        return "--date-format %d.%m.%Y, as the file has it; or --skip-bad-rows"
    return "a decimal point, unless --decimal and --thousands say else; --skip-bad-rows leaves such lines out"


def _unread(wanted: _Wanted) -> tuple[str, ...]:
    used = {place for group in wanted.layout.groups for place in group.at.values()}
    names = [
        name or f"column {place + 1}" for place, name in enumerate(wanted.layout.header) if place not in used
    ]
    return (f"not read: {', '.join(names)}",) if names else ()


def _column(cells: Cells, place: int) -> list[str]:
    return cells.columns[place] if place < len(cells.columns) else [""] * len(cells.lines)
