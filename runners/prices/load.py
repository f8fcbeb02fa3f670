"""Hands series to the database, which checks them, versions them and counts their gaps."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import psycopg

from runners.prices.array_images import Floats, Times
from runners.prices.bars import Bars
from runners.prices.series import PriceError, PriceSeries

_POSTGRES_EPOCH = 946_684_800_000_000
"""2000-01-01 in microseconds since 1970."""


@dataclass(frozen=True)
class Gap:
    """A stretch without a bar that is longer than a usual break."""

    last_before: dt.datetime
    first_after: dt.datetime
    days: float


@dataclass(frozen=True)
class Loaded:
    """What became of one series."""

    series: PriceSeries
    version: int
    status: str
    """loaded or unchanged"""
    new_bars: int
    changed_bars: int
    bar_count: int
    first_bar: dt.datetime
    last_bar: dt.datetime
    gaps: tuple[Gap, ...]
    calendar: str
    zone: str
    calendar_by: str | None
    """told, zone, bars or default"""


def load(connection: psycopg.Connection[Any], series: PriceSeries) -> Loaded:
    """Loads one series in a transaction of its own, as the director. Raises PriceError."""
    bars, factors = Bars.of(series.bars), series.factors
    try:
        with connection.transaction(), connection.cursor(binary=True) as cursor:
            cursor.execute(
                "select desk.load_instrument(p_symbol => %s, p_title => %s, p_asset_class => %s,"
                " p_closes_only => %s, p_notes => %s, p_calendar => %s,"
                " p_zone => coalesce(%s, desk.zone_of_times(%s::timestamptz[], %s::integer[])))",
                (series.symbol, series.title, series.asset_class, series.closes_only, series.notes,
                 series.calendar, series.zone, [time for time, _ in series.clock],
                 [minutes for _, minutes in series.clock]),
            )  # fmt: skip
            cursor.execute(
                "select instrument_id, version, status, new_bars, changed_bars, bar_count, gap_count,"
                " first_bar, last_bar from desk.load_bars(%s, %s, %s, %s::timestamptz[],"
                " %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::float8[],"
                " %s::date[], %s::text[], %s::float8[], p_merge => %s, p_replace => %s)",
                (
                    series.symbol,
                    series.timeframe,
                    series.source,
                    Times.of(bars.times - _POSTGRES_EPOCH),
                    *(
                        Floats.of(column)
                        for column in (bars.open, bars.high, bars.low, bars.close, bars.volume)
                    ),
                    None if factors is None else [factor.effective_date for factor in factors],
                    None if factors is None else [factor.kind for factor in factors],
                    None if factors is None else [factor.factor for factor in factors],
                    series.merges,
                    series.replaces,
                ),
            )
            row = cursor.fetchone()
            assert row is not None
            instrument_id, version, status, new_bars, changed_bars, bar_count, gap_count = row[:7]
            first_bar, last_bar = row[7:]
            place = cursor.execute(
                "select calendar, zone, calendar_by from desk.instrument_place(%s)", [instrument_id]
            ).fetchone()
            assert place is not None
            gaps: list[Any] = []
            if gap_count:
                gaps = cursor.execute(
                    "select last_before, first_after, days from desk.series_gaps(%s, %s, %s)",
                    (instrument_id, series.timeframe, version),
                ).fetchall()
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.ForeignKeyViolation) as error:
        raise _refused(series, error) from error
    return Loaded(
        series, version, status, new_bars, changed_bars, bar_count, first_bar, last_bar,
        tuple(Gap(*gap) for gap in gaps), *place,
    )  # fmt: skip


def _refused(series: PriceSeries, error: psycopg.Error) -> PriceError:
    """The database's refusal, with the line of the file where it names a bar."""
    message, detail, hint = (
        error.diag.message_primary or str(error),
        error.diag.message_detail,
        error.diag.message_hint,
    )
    bar = re.match(r"Bar (\d+) of \d+", detail or "")
    line = series.bars[int(bar[1]) - 1].line if bar else None
    place = f"{series.path}:{line}: " if series.path and line else f"{series.path}: " if series.path else ""
    if message.endswith("comes twice") and series.timeframe == "1d":
        hint = f"{hint} Bars shorter than a day need --timeframe."
    if "cannot begin so close" in message:
        hint = "--timeframe says how long a bar is, such as 5m."
    return PriceError(place + message, detail=detail, hint=hint)
