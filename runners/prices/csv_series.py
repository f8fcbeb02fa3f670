"""One symbol's bars out of the cells of a file."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from runners.prices.bars import Bars
from runners.prices.beside_bars import EVENTS, factors_of, half_digit, read_events, refuse_two_in_one
from runners.prices.clock_changes import to_utc
from runners.prices.csv_columns import Layout
from runners.prices.csv_text import Cells, Text
from runners.prices.csv_words import PRICES
from runners.prices.notation import Faults, Notation, numbers
from runners.prices.series import PriceError, PriceSeries, without_rounding
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
class Wanted:
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
    in_order: bool


def series_of(wanted: Wanted, symbol: str, at: dict[str, int], rows: np.ndarray) -> PriceSeries:
    """One symbol's bars, of these rows."""
    path, cells = wanted.text.path, wanted.cells
    lines = np.array(cells.lines, dtype=np.int64)[rows]

    def column(name: str) -> list[str]:
        all_of_it = column_of(cells, at[name])
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
    volume, said = np.zeros(len(rows)), ["numbers have a decimal comma"] * (wanted.notation.decimal == ",")
    if "volume" in at:
        volume, wrong, missing = figures("volume", 0.0)
        faults = wrong | faults
        # Interactive Brokers writes -1 where a bar has no volume.
        silent = volume == -1
        missing += int(np.count_nonzero(silent))
        volume = np.where(silent, 0.0, volume)
        said += [f"{missing} bars without a volume: read as 0"] if missing else []
    events: dict[str, np.ndarray] = {}
    rounding = (0.0, 0.0)
    if wanted.timeframe == "1d":
        events, wrong = read_events(list(at), figures)
        faults = wrong | faults
        if "adjusted" in events:
            rounding = (half_digit(column("adjusted")), half_digit(column("close")))
    bars = Bars(stamps, values["open"], values["high"], values["low"], values["close"], volume, lines)
    if not wanted.dialect.columns:
        for place, name in _unread(wanted).items():
            of_rows = [column_of(cells, place)[row] for row in rows]
            refuse_two_in_one(str(path), name, of_rows, stamps, lines.tolist())
    bars, kept, skipped = _without(wanted, bars, faults, symbol)
    if not wanted.in_order:
        order = np.argsort(bars.times, kind="stable")
        bars, kept = bars.taken(order), kept[order]
    elif len(bars) > 1 and bool(np.all(np.diff(bars.times) < 0)):
        bars, kept = bars[::-1], kept[::-1]
    factors, stated = factors_of(bars, {name: event[kept] for name, event in events.items()}, rounding)
    series = PriceSeries(
        symbol=symbol,
        source=f"{path.suffix[1:].lower() or 'table'}: {path.name}",
        bars=bars,
        timeframe=wanted.timeframe,
        closes_only="open" not in at,
        path=str(path),
        factors=factors,
        merges=True,
        zone=times.zone or (wanted.zone.key if wanted.zone is not None else None),
        clock=_clock(wanted, times, stamps),
        remarks=(
            *wanted.text.remarks,
            *wanted.layout.remarks,
            *_not_read(wanted),
            *said,
            *remarks,
            *stated,
            *skipped,
        ),
    )
    return without_rounding(series)


def _clock(wanted: Wanted, times: Times, stamps: np.ndarray) -> tuple[tuple[dt.datetime, int], ...]:
    """Where the offsets of a file's times change: the times, and the minutes before UTC from then on."""
    if wanted.timeframe[-1] not in "mh":
        return ()
    told = np.array([row for row in np.flatnonzero(times.offset != NO_ZONE) if int(row) not in times.faults])
    if not len(told):
        return ()
    minutes = times.offset[told] // 60_000_000
    changes = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return tuple(
        (epoch + dt.timedelta(microseconds=int(stamps[told[change]])), int(minutes[change]))
        for change in changes
    )


def _utc(wanted: Wanted, times: Times, lines: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """When bars began, or their session's date; adds to the faults of `times`."""
    if wanted.timeframe[-1] not in "mh":
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


def _without(
    wanted: Wanted, bars: Bars, faults: Faults, symbol: str
) -> tuple[Bars, np.ndarray, tuple[str, ...]]:
    """The bars without rows that could not be read, and which rows they are.

    Raises PriceError at such a row, unless the user wants them left out.
    """
    path, lines = wanted.text.path, bars.lines
    assert lines is not None
    if wanted.dialect.skip_bad_rows:
        faults = _impossible(bars) | faults
    if not faults:
        return bars, np.arange(len(bars)), ()
    first = min(faults)
    if not wanted.dialect.skip_bad_rows:
        raise PriceError(f"{path}:{lines[first]}: {faults[first]}", hint=_hint(faults[first]))
    kept = np.array([row for row in range(len(bars)) if row not in faults], dtype=np.int64)
    if not len(kept):
        raise PriceError(
            f"{path}: no row of {symbol} can be read, the first for: {faults[first]}",
            hint=_hint(faults[first]),
        )
    listed = [f"line {lines[row]} left out: {faults[row]}" for row in sorted(faults)[:LISTED]]
    more = f", the first {LISTED} of them:" if len(faults) > LISTED else ":"
    return bars.taken(kept), kept, (f"{len(faults)} bad rows left out{more}", *listed)


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


def _unread(wanted: Wanted) -> dict[int, str]:
    """Headers of the columns that are not read, by place."""
    used = {
        place
        for group in wanted.layout.groups
        for name, place in group.at.items()
        if name not in EVENTS or wanted.timeframe == "1d"
    }
    return {place: name for place, name in enumerate(wanted.layout.header) if place not in used}


def _not_read(wanted: Wanted) -> tuple[str, ...]:
    names = [name or f"column {place + 1}" for place, name in _unread(wanted).items()]
    return (f"not read: {', '.join(names)}",) if names else ()


def column_of(cells: Cells, place: int) -> list[str]:
    return cells.columns[place] if place < len(cells.columns) else [""] * len(cells.lines)
