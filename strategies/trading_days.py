"""Which session the newest bar belongs to, cheaply enough to be asked on every bar."""

from __future__ import annotations

from typing import Any

from strategies.bar_time import DAY_SECONDS, EPOCH_DAY, is_intraday
from strategies.market_calendar import market_calendar


class TradingDays:
    """Of one strategy. Days are counted from 1970; a session lasts until the next one opens."""

    def __init__(self, strategy: Any, calendar: str) -> None:
        self._line = strategy.lines.datetime
        self._calendar = calendar
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
        calendar = market_calendar(self._calendar)
        session = calendar.trading_day(now)
        if session is None:
            self._day = now // DAY_SECONDS
            return
        following = calendar.next_session(session.date)
        self._from, self._until = session.open, following.open if following is not None else now + 1
        self._day = session.date.toordinal() - EPOCH_DAY
