"""Sessions of an exchange: which days, from when to when, half days and clock changes included.

The dates come from exchange_calendars, which is imported only when a calendar is asked for: daily bars do not
need one. Times are UTC seconds; sessions are dates.
"""

from __future__ import annotations

import datetime as dt
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

NEW_YORK = "XNYS"
FIRST_DAY = "1990-01-02"
FULL_SESSION_SECONDS = 6.5 * 3_600


class CalendarError(ValueError):
    """There is no such calendar, or it does not reach to the day that was asked for."""


@dataclass(frozen=True)
class Session:
    """One trading day; `open` and `close` are UTC seconds."""

    date: dt.date
    open: int
    close: int


class MarketCalendar:
    """An exchange's sessions, oldest first."""

    def __init__(self, name: str, zone: str, sessions: Sequence[Session]) -> None:
        self.name = name
        self.zone = ZoneInfo(zone)
        self._sessions = tuple(sessions)
        self._dates = [session.date for session in self._sessions]
        self._opens = [session.open for session in self._sessions]

    def session(self, day: dt.date) -> Session | None:
        """That day's session; None when the exchange is closed."""
        self._check(day)
        place = bisect_left(self._dates, day)
        if place < len(self._dates) and self._dates[place] == day:
            return self._sessions[place]
        return None

    def trading_day(self, epoch: float) -> Session | None:
        """The session that opened last before or at this moment; it lasts until the next one opens."""
        place = bisect_right(self._opens, epoch)
        return self._sessions[place - 1] if place else None

    def next_session(self, day: dt.date) -> Session | None:
        """The first session after this day."""
        self._check(day)
        place = bisect_right(self._dates, day)
        return self._sessions[place] if place < len(self._sessions) else None

    def previous_session(self, day: dt.date) -> Session | None:
        place = bisect_left(self._dates, day)
        return self._sessions[place - 1] if place else None

    def between(self, first: dt.date, last: dt.date) -> tuple[Session, ...]:
        """Sessions of these days, both included."""
        self._check(last)
        return self._sessions[bisect_left(self._dates, first) : bisect_right(self._dates, last)]

    def is_half_day(self, session: Session) -> bool:
        return session.close - session.open < FULL_SESSION_SECONDS

    def local(self, epoch: float) -> dt.datetime:
        """The exchange's own wall clock."""
        return dt.datetime.fromtimestamp(epoch, self.zone)

    def at(self, day: dt.date, clock: dt.time) -> int:
        """UTC seconds of a wall-clock time on a day."""
        return int(dt.datetime.combine(day, clock, self.zone).timestamp())

    def _check(self, day: dt.date) -> None:
        if not self._dates or not self._dates[0] <= day <= self._dates[-1] + dt.timedelta(days=5):
            reach = f"{self._dates[0]} to {self._dates[-1]}" if self._dates else "no day"
            raise CalendarError(f"calendar {self.name} knows {reach}, and was asked for {day}")


@lru_cache(maxsize=8)
def market_calendar(name: str = NEW_YORK) -> MarketCalendar:
    """The calendar of an exchange by its ISO code (MIC), such as XNYS or XLON."""
    import exchange_calendars

    try:
        with warnings.catch_warnings():
            # Of pandas, about how exchange_calendars calls it.
            warnings.simplefilter("ignore")
            found = exchange_calendars.get_calendar(name, start=FIRST_DAY)
    except exchange_calendars.errors.InvalidCalendarName:
        raise CalendarError(f"there is no exchange calendar {name!r}; expected a code such as XNYS") from None
    opens, closes = (
        column.dt.tz_convert(None).to_numpy().astype("datetime64[s]").astype("int64")
        for column in (found.opens, found.closes)
    )
    sessions = [
        Session(day.date(), int(opened), int(closed))
        for day, opened, closed in zip(found.sessions, opens, closes, strict=True)
    ]
    return MarketCalendar(name, str(found.tz), sessions)
