"""LEAN's equity curve: four point formats read as one, and sampled points turned into sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from runners.engines.lean.documents import epoch, find, items, number
from runners.engines.lean.exchange_days import is_exchange_holiday

NEW_YORK = ZoneInfo("America/New_York")
SATURDAY = 5
CLOSING_HOUR = 16


@dataclass(frozen=True)
class EquityPoint:
    """Portfolio value at an instant; `epoch` counts UTC seconds."""

    epoch: float
    value: float


@dataclass(frozen=True)
class DailyCurve:
    """Portfolio value at the close of each session; `start` is the value before the first."""

    start: float
    sessions: tuple[dt.date, ...]
    equity: tuple[float, ...]


def equity_points(charts: object) -> Iterator[EquityPoint]:
    """Points of the chart `Strategy Equity`, oldest first.

    A point is {"x": t, "y": v} (to 2023-08), [t, open, high, low, close] or [t, v]; nulls do not count.
    """
    values = find(charts, "Strategy Equity", "series", "Equity", "values")
    points = []
    for point in items(values):
        if isinstance(point, Mapping):
            time, value = epoch(find(point, "x")), number(find(point, "y"))
            if value is None:
                value = number(find(point, "close"))
        elif isinstance(point, list) and len(point) >= 2:
            time, value = epoch(point[0]), number(point[-1])
        else:
            continue
        if time is not None and value is not None:
            points.append(EquityPoint(time, value))
    yield from sorted(points, key=lambda point: point.epoch)


def daily_curve(points: Sequence[EquityPoint]) -> DailyCurve | None:
    """The last point of each New York session; None of a curve without any session.

    The first point is the starting capital. A point at midnight closes the day before. Long runs have a point
    every midnight, also of days without a session; these are told by the calendar, unless the account ever
    moved on a weekend (crypto, forex), in which case every day is a session.
    """
    if len(points) < 2:
        return None
    days: dict[dt.date, float] = {}
    within: set[dt.date] = set()
    for point in points[1:]:
        moment = dt.datetime.fromtimestamp(point.epoch, NEW_YORK)
        midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
        day = moment.date() - dt.timedelta(days=1) if midnight else moment.date()
        days[day] = point.value
        if not midnight:
            within.add(day)
    started = dt.datetime.fromtimestamp(points[0].epoch, NEW_YORK)
    if (started.hour, started.minute) == (0, 0):
        # A run that begins at midnight has said nothing yet about the day before.
        days.pop(started.date() - dt.timedelta(days=1), None)
    elif started.hour >= CLOSING_HOUR:
        days.pop(started.date(), None)
    sessions = _sessions(days, points[0].value, within)
    if not sessions:
        return None
    return DailyCurve(points[0].value, tuple(sessions), tuple(days[day] for day in sessions))


def _sessions(days: Mapping[dt.date, float], start: float, within: set[dt.date]) -> list[dt.date]:
    every_day, before = False, start
    for day in sorted(days):
        every_day = every_day or (day.weekday() >= SATURDAY and days[day] != before)
        before = days[day]
    if every_day:
        return sorted(days)
    return [
        day
        for day in sorted(days)
        if day in within or not (day.weekday() >= SATURDAY or is_exchange_holiday(day))
    ]
