"""Which session a bar belongs to: the day of its exchange, by a clock and the hour at which a day begins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from strategies.bar_time import epoch


@dataclass(frozen=True)
class SessionDay:
    """The clock of `zone`, on which a day begins `begins` seconds from midnight of its date: -25,200 is 17:00
    on the evening before. As SQL has it: ((bar_time at time zone zone) - begins)::date."""

    zone: str = "UTC"
    begins: int = 0

    def date(self, seconds: float) -> dt.date:
        """The session at UTC seconds."""
        if not self.begins:
            return dt.datetime.fromtimestamp(seconds, self._clock).date()
        # Wall-clock arithmetic: a day may have 23 or 25 hours.
        local = dt.datetime.fromtimestamp(seconds, self._clock).replace(tzinfo=None)
        return (local - self._shift).date()

    def seconds(self, seconds: float) -> int:
        """Seconds from midnight on its clock at UTC seconds."""
        local = dt.datetime.fromtimestamp(seconds, self._clock)
        return local.hour * 3600 + local.minute * 60 + local.second

    def end(self, session: dt.date) -> int:
        """UTC seconds at which the day of a session ends."""
        midnight = dt.datetime.combine(session + dt.timedelta(days=1), dt.time())
        return int((midnight + self._shift).replace(tzinfo=self._clock).timestamp())

    @cached_property
    def _clock(self) -> dt.tzinfo:
        return dt.UTC if self.zone == "UTC" else ZoneInfo(self.zone)

    @cached_property
    def _shift(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.begins)


UTC_DAYS = SessionDay()


def session_days(rows: Iterable[Sequence[object]]) -> tuple[SessionDay, ...]:
    """One a feed, from pairs of zone and seconds."""
    return tuple(SessionDay(str(zone), int(str(begins))) for zone, begins in rows)


def newest_session(days: Sequence[SessionDay], feeds: Iterable[Any]) -> dt.date:
    """The latest session that the newest bar of any of Backtrader's feeds belongs to; those beyond the days
    are made of the others."""
    return max(day.date(epoch(feed.datetime[0])) for day, feed in zip(days, feeds, strict=False) if len(feed))
