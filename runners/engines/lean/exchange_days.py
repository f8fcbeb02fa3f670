"""Weekdays on which the New York Stock Exchange was closed, for curves that have a point every day.

Rules of NYSE's holidays and its whole-day closings since 1998, from its own published history.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

SPECIAL_CLOSINGS = frozenset(
    dt.date.fromisoformat(day)
    for day in (
        # 11 September; the funerals of Reagan, Ford, Bush and Carter; hurricane Sandy.
        "2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11", "2007-01-02",
        "2012-10-29", "2012-10-30", "2018-12-05", "2025-01-09",
    )
)  # fmt: skip


def is_exchange_holiday(day: dt.date) -> bool:
    """True of a weekday without a session."""
    return day in SPECIAL_CLOSINGS or day in _holidays(day.year)


@lru_cache(maxsize=256)
def _holidays(year: int) -> frozenset[dt.date]:
    days = {
        _nth_monday(year, 2, 3),
        _easter(year) - dt.timedelta(days=2),
        _last_monday(year, 5),
        _observed(dt.date(year, 7, 4)),
        _nth_monday(year, 9, 1),
        _nth_weekday(year, 11, 3, 4),
        _observed(dt.date(year, 12, 25)),
    }
    if year >= 1998:
        days.add(_nth_monday(year, 1, 3))
    if year >= 2022:
        days.add(_observed(dt.date(year, 6, 19)))
    # New Year on a Saturday is not kept on the Friday before: that is the last session of the old year.
    new_year = dt.date(year, 1, 1)
    if new_year.weekday() != 5:
        days.add(_observed(new_year))
    return frozenset(days)


def _observed(day: dt.date) -> dt.date:
    return day + dt.timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _nth_monday(year: int, month: int, nth: int) -> dt.date:
    return _nth_weekday(year, month, 0, nth)


def _last_monday(year: int, month: int) -> dt.date:
    last = dt.date(year, month + 1, 1) - dt.timedelta(days=1)
    return last - dt.timedelta(days=last.weekday())


def _easter(year: int) -> dt.date:
    """Easter Sunday by the anonymous Gregorian computus (Nature, 20 April 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return dt.date(year, month, day + 1)
