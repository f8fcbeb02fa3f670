"""Times as files write them: the order of day and month is proved by a day above 12, or asked for."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from runners.prices.notation import Faults
from runners.prices.series import PriceError

DAY = 86_400_000_000
"""Microseconds."""
NO_ZONE = np.iinfo(np.int64).min
"""Offset of a time that names no zone."""

_EPOCH = dt.date(1970, 1, 1).toordinal()
_UNITS = {10: 1_000_000, 13: 1_000, 16: 1, 19: -1_000}
"""Digits of a count since 1970: seconds, milliseconds, microseconds, nanoseconds; in microseconds."""
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?"
_COUNTED = {10: "seconds", 13: "milliseconds", 16: "microseconds", 19: "nanoseconds"}
_WHEN = re.compile(rf"^(.+?)[T\s,;-]\s*({_TIME}.*)$")
_COMPACT = re.compile(r"^(\d{8})[T\s]\s*(\d{4}|\d{6})$")
_CLOCK_AND_ZONE = re.compile(
    rf"^({_TIME}|\d{{1,6}})\s*(Z|z|UTC|GMT|[+-]\d{{2}}(?::?\d{{2}})?|[A-Z][A-Za-z_]+/[A-Za-z_/]+)?$"
)
_CLOCK = re.compile(r"^(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?\s*(?:([AaPp])\.?[Mm]\.?)?$")
_THREE = re.compile(r"^(\d{1,4})([-/. ])(\d{1,2})\2(\d{1,4})$")
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
_NAMED = (
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d %Y",
    "%d-%b-%y",
    "%d %B %Y",
    "%B %d %Y",
    "%d/%b/%Y",
    "%b-%d-%Y",
    "%d%b%Y",
)
_HAS_CLOCK = re.compile("%[HIMSpfTXc]")
_COUNT = re.compile(r"^\d{10}(?:\d{3})*(?:\.\d+)?$")


@dataclass(frozen=True)
class Times:
    """Clock times in microseconds since 1970, and how far each one's clock is from UTC, or NO_ZONE."""

    local: np.ndarray
    offset: np.ndarray
    faults: Faults
    zone: str | None
    """The place whose clock the file names beside its times, such as US/Eastern."""
    remarks: tuple[str, ...]


def read_times(
    path: object,
    lines: Sequence[int],
    dates: Sequence[str],
    clocks: Sequence[str] | None,
    date_format: str | None,
    known: str | None,
) -> Times:
    """Times of all rows; `known` is the order of day and month that the file's shape tells (dmy or mdy).

    Raises PriceError where the file does not tell the order.
    """
    local = np.zeros(len(dates), dtype=np.int64)
    offset = np.full(len(dates), NO_ZONE, dtype=np.int64)
    faults: Faults = {}
    whole = date_format is not None and _HAS_CLOCK.search(date_format)
    parts = [(text.strip(), None) if whole else _parted(text.strip()) for text in dates]
    order = None if date_format else _order(path, lines, [date for date, _ in parts], known)
    days: dict[str, int | None] = {}
    hours: dict[str | None, tuple[int | None, int | None]] = {None: (0, NO_ZONE)}
    place: str | None = None
    for row, (date, rest) in enumerate(parts):
        if clocks is not None and rest is None:
            rest = clocks[row].strip()
        if date not in days:
            days[date] = _day(date, order, date_format)
        if rest not in hours:
            time, zone = _timed(rest or "")
            if zone is not None and "/" in zone:
                # One clock a file: two would need an order of their own at each change.
                place = place or zone
                hours[rest] = (time, NO_ZONE if zone == place else None)
            else:
                hours[rest] = (time, NO_ZONE if zone is None else _shift(zone))
        day, (time, shift) = days[date], hours[rest]
        if day is None and _COUNT.match(date) and not date_format:
            local[row], offset[row] = _counted(date), 0
        elif day is None or time is None or shift is None:
            text = dates[row].strip() if clocks is None else f"{dates[row].strip()} {clocks[row].strip()}"
            faults[row] = _fault(text, date_format)
        else:
            local[row], offset[row] = day + time, shift
    digits = next((len(date.partition(".")[0]) for date, _ in parts if _COUNT.match(date)), None)
    said = (f"times are {_COUNTED[digits]} since 1970, UTC",) if digits and not date_format else ()
    return Times(local, offset, faults, place, said)


def is_time(text: str) -> bool:
    """Whether a cell can be a date or time, in whatever order."""
    date, rest = _parted(text.strip())
    if _COUNT.match(date):
        return True
    readable = any(_day(date, order, None) is not None for order in ("dmy", "mdy", "ymd"))
    return readable and (rest is None or _timed(rest)[0] is not None)


def is_clock(text: str) -> bool:
    """Whether a cell is a time of day."""
    return _clock(text.strip()) is not None


def _parted(text: str) -> tuple[str, str | None]:
    """The date, and what follows it."""
    if len(text) > 15 and text[4] == "-" and text[10] in " T" and text[13] == ":":
        return text[:10], text[11:]
    if len(text) == 10 or text.isdigit():
        return text, None
    found = _COMPACT.match(text) or _WHEN.match(text)
    return (found[1].rstrip(), found[2]) if found else (text, None)


def _timed(text: str) -> tuple[int | None, str | None]:
    """The time of day in microseconds, and the zone that follows it."""
    found = _CLOCK_AND_ZONE.match(text)
    return (_clock(found[1]), found[2]) if found else (None, None)


def _order(path: object, lines: Sequence[int], dates: Sequence[str], known: str | None) -> str | None:
    """ymd, dmy or mdy: what reads every date; None where some date needs none."""
    unique = {date: row for row, date in reversed(list(enumerate(dates)))}
    shapes = {date: found for date in unique if (found := _THREE.match(date)) and len(found[1]) <= 2}
    if not shapes or any(date not in shapes and _day(date, None, None) is not None for date in unique):
        return None
    if known:
        return known
    doubtful = list(shapes.values())
    if all(found[2] == "." and len(found[4]) == 4 for found in doubtful):
        return "dmy"
    orders = ("dmy", "mdy", "ymd") if all(len(found[4]) == 2 for found in doubtful) else ("dmy", "mdy")
    well = {order: sum(_day(found[0], order, None) is not None for found in doubtful) for order in orders}
    fitting = [order for order in orders if well[order] == max(well.values())]
    if len(fitting) == 1:
        return fitting[0]
    sample = min(shapes, key=unique.__getitem__)
    mark, year = shapes[sample][2], "%Y" if len(shapes[sample][4]) == 4 else "%y"
    ways = {"dmy": ("%d", "%m", year), "mdy": ("%m", "%d", year), "ymd": (year, "%m", "%d")}
    readings = " or ".join(
        dt.date.fromordinal(day // DAY + _EPOCH).isoformat()
        for order in fitting
        if (day := _day(sample, order, None)) is not None
    )
    raise PriceError(
        f"{path}:{lines[unique[sample]]}: {sample!r} may be {readings}, and no date in the file tells which",
        hint=" or ".join(f"--date-format {mark.join(ways[order])}" for order in fitting),
    )


def _day(text: str, order: str | None, date_format: str | None) -> int | None:
    """A date in microseconds since 1970."""
    try:
        if date_format:
            when = dt.datetime.strptime(text, date_format)
            return (when.toordinal() - _EPOCH) * DAY + _of_day(when)
        three = _THREE.match(text)
        if three:
            return _three(three[1], three[3], three[4], order)
        if not text[:1].isdigit() or not text.replace("-", "").isdigit():
            return _named(text)
        return (dt.date.fromisoformat(text).toordinal() - _EPOCH) * DAY
    except ValueError:
        return None


def _three(first: str, second: str, third: str, order: str | None) -> int | None:
    if len(first) == 4 or order == "ymd":
        year, month, day = first, second, third
    elif order == "dmy":
        year, month, day = third, second, first
    elif order == "mdy":
        year, month, day = third, first, second
    else:
        return None
    if len(year) not in (2, 4) or len(day) > 2:
        return None
    full = int(year) if len(year) == 4 else int(year) + (1900 if int(year) > 68 else 2000)
    return (dt.date(full, int(month), int(day)).toordinal() - _EPOCH) * DAY


def _named(text: str) -> int | None:
    plain = " ".join(_WEEKDAY.sub("", text).replace(",", " ").split())
    for pattern in _NAMED:
        try:
            return (dt.datetime.strptime(plain, pattern).toordinal() - _EPOCH) * DAY
        except ValueError:
            continue
    return None


def _of_day(when: dt.datetime) -> int:
    return ((when.hour * 60 + when.minute) * 60 + when.second) * 1_000_000 + when.microsecond


@cache
def _clock(text: str) -> int | None:
    """A time of day in microseconds."""
    # Numbers lost their leading zeros: 93000 is half past nine, 0 is midnight.
    text = text.zfill(6) if text.isdigit() and len(text) != 4 else text
    found = _CLOCK.match(text)
    if not found:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[5]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[5] in "Pp" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + int((found[4] or "0").ljust(6, "0")[:6])


def _shift(zone: str) -> int:
    """How far a clock is ahead of UTC, in microseconds."""
    if zone in ("Z", "z", "UTC", "GMT"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if zone[0] == "-" else minutes) * 60_000_000


def _counted(text: str) -> int:
    whole, _, rest = text.partition(".")
    unit = _UNITS[len(whole)]
    value = int(whole) * unit if unit > 0 else int(whole) // -unit
    return value + (int(rest.ljust(6, "0")[:6]) if rest and unit == 1_000_000 else 0)


def _fault(text: str, date_format: str | None) -> str:
    if not text:
        return "time is empty"
    if date_format:
        return f"time is {text!r}, which is not written as --date-format {date_format}"
    return f"time is {text!r}, which is no date or time that is known here"
