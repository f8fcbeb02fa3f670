"""`schedule.on(date_rule, time_rule, action)`: what a strategy does at times of the exchange's day.

An event is due at a moment; it happens on the first bar that ends at or after it, before the strategy sees
that bar. Daily bars end at the close, so all events of a day happen then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from strategies.bar_time import bar_seconds, epoch, is_intraday
from strategies.market_calendar import MarketCalendar, Session, market_calendar

DateRule = Callable[[Session], bool]
TimeRule = Callable[[Session], list[int]]
MONDAY = 0


@dataclass
class ScheduledEvent:
    """An action with its rules; `enabled` may be set to False."""

    name: str
    dates: DateRule
    times: TimeRule
    action: Callable[[], object]
    enabled: bool = True
    due: list[int] = field(default_factory=list)


class Schedule:
    """The events of one strategy; nothing is computed while there are none."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._events: list[ScheduledEvent] = []
        self._planned_to: dt.date | None = None

    def on(self, *rules: Any) -> ScheduledEvent:
        """`on(date_rule, time_rule, action)`, or with a name in front."""
        *name, dates, times, action = rules
        if not self._events:
            self._strategy.before_each_bar(self._run)
        event = ScheduledEvent(
            str(name[0]) if name else getattr(action, "__name__", "event"), dates, times, action
        )
        self._events.append(event)
        return event

    def remove(self, event: ScheduledEvent) -> None:
        self._events.remove(event)

    @property
    def calendar(self) -> MarketCalendar:
        return market_calendar(self._strategy.calendar)

    def now(self) -> int:
        """When the newest bar ended, in UTC seconds."""
        data = self._strategy.data
        began = epoch(self._strategy.lines.datetime[0])
        if is_intraday(data):
            return began + bar_seconds(data)
        day = dt.date(1970, 1, 1) + dt.timedelta(days=began // 86_400)
        session = self.calendar.session(day)
        return session.close if session is not None else began + 86_400

    def _run(self) -> None:
        now = self.now()
        session = self.calendar.trading_day(now)
        if session is not None and session.date != self._planned_to:
            self._plan(session)
        for event in list(self._events):
            while event.due and event.due[0] <= now:
                event.due.pop(0)
                if event.enabled:
                    event.action()

    def _plan(self, session: Session) -> None:
        # The first bar of a run may be the middle of a session: what is past then is not caught up on.
        first = self._planned_to is None
        began = epoch(self._strategy.lines.datetime[0])
        days = [session] if first else self.calendar.between(
            (self._planned_to or session.date) + dt.timedelta(days=1), session.date)  # fmt: skip
        self._planned_to = session.date
        for event in self._events:
            for day in days:
                if event.dates(day):
                    event.due += [at for at in event.times(day) if not first or at >= began]
            event.due.sort()


class DateRules:
    """Which sessions: LEAN's `date_rules`. A symbol argument is accepted; the strategy's calendar counts."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy

    @property
    def _calendar(self) -> MarketCalendar:
        return market_calendar(self._strategy.calendar)

    def every_day(self, symbol: Any = None) -> DateRule:
        return lambda session: True

    def every(self, *days: int) -> DateRule:
        """Weekdays, Monday is 0."""
        return lambda session: session.date.weekday() in days

    def on(self, year: int, month: int, day: int) -> DateRule:
        return lambda session: session.date == dt.date(year, month, day)

    def week_start(self, symbol: Any = None, days_offset: int = 0) -> DateRule:
        return self._nth(_week, days_offset)

    def week_end(self, symbol: Any = None, days_offset: int = 0) -> DateRule:
        return self._nth(_week, days_offset, from_end=True)

    def month_start(self, symbol: Any = None, days_offset: int = 0) -> DateRule:
        return self._nth(_month, days_offset)

    def month_end(self, symbol: Any = None, days_offset: int = 0) -> DateRule:
        return self._nth(_month, days_offset, from_end=True)

    def quarter_start(self, symbol: Any = None, days_offset: int = 0) -> DateRule:
        return self._nth(_quarter, days_offset)

    def year_start(self, symbol: Any = None, days_offset: int = 0) -> DateRule:
        return self._nth(_year, days_offset)

    def _nth(self, period: Callable[[dt.date], object], offset: int, *, from_end: bool = False) -> DateRule:
        if not isinstance(offset, int):
            offset = 0

        def rule(session: Session) -> bool:
            """True for the session that has exactly `offset` sessions of its period on the one side."""
            day = session.date
            for _ in range(offset + 1):
                beside = (self._calendar.next_session if from_end else self._calendar.previous_session)(day)
                inside = beside is not None and period(beside.date) == period(session.date)
                if _ == offset:
                    return not inside
                if not inside or beside is None:
                    return False
                day = beside.date
            return False

        return rule


def _week(day: dt.date) -> object:
    return day.isocalendar()[:2]


def _month(day: dt.date) -> object:
    return day.year, day.month


def _quarter(day: dt.date) -> object:
    return day.year, (day.month - 1) // 3


def _year(day: dt.date) -> object:
    return day.year


class TimeRules:
    """When in a session: LEAN's `time_rules`; wall-clock times are the exchange's."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy

    @property
    def _calendar(self) -> MarketCalendar:
        return market_calendar(self._strategy.calendar)

    def at(self, hour: int, minute: int = 0, second: int = 0) -> TimeRule:
        return lambda session: [self._calendar.at(session.date, dt.time(hour, minute, second))]

    noon = property(lambda self: self.at(12))
    midnight = property(lambda self: self.at(0))

    def after_market_open(self, symbol: Any = None, minutes_after_open: float = 0) -> TimeRule:
        return lambda session: [session.open + round(minutes_after_open * 60)]

    def before_market_close(self, symbol: Any = None, minutes_before_close: float = 0) -> TimeRule:
        return lambda session: [session.close - round(minutes_before_close * 60)]

    def every(self, interval: dt.timedelta) -> TimeRule:
        """From the open to the close, on the interval's own clock since midnight."""
        step = int(interval.total_seconds())

        def times(session: Session) -> list[int]:
            midnight = self._calendar.at(session.date, dt.time())
            first = midnight + -(-(session.open - midnight) // step) * step
            return list(range(first, session.close + 1, step))

        return times
