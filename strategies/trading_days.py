"""Which session the newest bar belongs to, cheaply enough to be asked on every bar."""

from __future__ import annotations

from typing import Any

from strategies import run_context
from strategies.bar_time import DAY_SECONDS, EPOCH_DAY, is_intraday
from strategies.market_calendar import NEW_YORK, market_calendar
from strategies.session_days import newest_session


class TradingDays:
    """Of one strategy. Days are counted from 1970: the sessions of its run, or those of `calendar`, each of
    which lasts until the next one opens. Without either, those of the strategy's calendar."""

    def __init__(self, strategy: Any, calendar: str | None = None) -> None:
        self._line = strategy.lines.datetime
        self._feeds = strategy.datas
        self._days = () if calendar else run_context.current().session_days
        self._calendar = str(calendar or getattr(strategy, "calendar", NEW_YORK))
        self.intraday = is_intraday(strategy.data)
        self._from = self._until = self._day = 0

    def now(self) -> int:
        """When the newest bar began: UTC seconds."""
        return int(round((self._line[0] - EPOCH_DAY) * DAY_SECONDS))  # noqa: RUF046

    def day(self, now: int) -> int:
        """The session at that moment."""
        if not self.intraday:
            return now // DAY_SECONDS
        if not self._from <= now < self._until:
            self._look_up(now)
        return self._day

    def _look_up(self, now: int) -> None:
        if self._days:
            if len(set(self._days)) == 1:
                session = self._days[0].date(now)
                self._from, self._until = now, min(self._days[0].end(session), now + DAY_SECONDS)
            else:
                # A feed on another clock may begin its next session at any bar.
                session = newest_session(self._days, self._feeds)
            self._day = max(self._day, session.toordinal() - EPOCH_DAY)
            return
        calendar = market_calendar(self._calendar)
        found = calendar.trading_day(now)
        if found is None:
            self._day = now // DAY_SECONDS
            return
        following = calendar.next_session(found.date)
        self._from, self._until = found.open, following.open if following is not None else now + 1
        self._day = found.date.toordinal() - EPOCH_DAY
