"""Bars put together to longer ones, inside a strategy: an hour or a day of minutes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strategies.bar_time import DAY_SECONDS, bar_seconds, epoch, is_intraday
from strategies.market_calendar import NEW_YORK, market_calendar
from strategies.parameters import ParameterError


@dataclass
class Bar:
    """A bar by LEAN's names; times are naive UTC."""

    symbol: str
    time: dt.datetime
    end_time: dt.datetime
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def price(self) -> float:
        return self.close

    value = price


def period_seconds(length: Any) -> int:
    """Seconds of a bar of a Resolution, a timedelta or a data feed."""
    if hasattr(length, "_timeframe"):
        return bar_seconds(length) if is_intraday(length) else DAY_SECONDS
    if isinstance(length, dt.timedelta):
        return int(length.total_seconds())
    seconds = getattr(length, "value", None)
    if isinstance(seconds, int) and seconds > 0:
        return seconds
    raise ParameterError(f"a bar's length is {length!r}; expected a Resolution or a timedelta")


class Consolidator:
    """Feeds on a data feed's newest bar, once a bar; calls `handler` with each longer bar that is complete.

    A day is complete with the last bar before the exchange's close, hours and minutes at their full clock.
    """

    def __init__(
        self, data: Any, seconds: int, handler: Callable[[Bar], object], calendar: str = NEW_YORK
    ) -> None:
        self._data = data
        self._seconds = seconds
        self._handler = handler
        self._fine = period_seconds(data)
        if seconds < self._fine or seconds % self._fine:
            raise ParameterError(
                f"bars of {seconds} s cannot be made of bars of {self._fine} s; "
                "load the shorter bars, or ask for a multiple"
            )
        self._calendar = market_calendar(calendar) if seconds >= DAY_SECONDS > self._fine else None
        self._seen = 0
        self._key: object = None
        self._bar: Bar | None = None

    def update(self) -> None:
        """Take the feed's newest bar, unless it was taken."""
        if len(self._data) == self._seen:
            return
        self._seen = len(self._data)
        began = epoch(self._data.datetime[0])
        ended = began + self._fine
        key, complete = self._place(began, ended)
        if self._bar is not None and key != self._key:
            self._finish()
        self._key = key
        self._add(began, ended)
        if complete:
            self._finish()

    def _place(self, began: int, ended: int) -> tuple[object, bool]:
        if self._calendar is None:
            return began // self._seconds, ended // self._seconds != began // self._seconds
        session = self._calendar.trading_day(began)
        return session, session is not None and ended >= session.close

    def _add(self, began: int, ended: int) -> None:
        data, first = self._data, dt.datetime(1970, 1, 1)
        end = first + dt.timedelta(seconds=ended)
        if self._bar is None:
            start = first + dt.timedelta(seconds=began)
            self._bar = Bar(
                data._name, start, end, data.open[0], data.high[0], data.low[0], data.close[0], data.volume[0]
            )
            return
        bar = self._bar
        bar.high, bar.low = max(bar.high, data.high[0]), min(bar.low, data.low[0])
        bar.close, bar.volume, bar.end_time = data.close[0], bar.volume + data.volume[0], end

    def _finish(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            self._handler(bar)
