"""Turn of the month: be in the market for a few days around the month's end, in cash for the rest.

Robert Ariel (A Monthly Effect in Stock Returns, Journal of Financial Economics 18, 1987), Lakonishok and
Smidt (Review of Financial Studies 1, 1988), and out of their samples McConnell and Xu (Equity Returns at the
Turn of the Month, Financial Analysts Journal 64, 2008): nearly all of the American market's return since 1926
fell on the last session of a month and the first three of the next.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import backtrader as bt

from strategies.bar_time import moment
from strategies.parameters import Parameter
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator


class PlaceInMonth(bt.Indicator):  # type: ignore[misc]
    """Weekdays of the month after a bar, and which session of its month it is as far as the bars go back."""

    lines: Any = ("left", "session")

    def next(self) -> None:
        today = moment(self.data.datetime[0]).date()
        self.lines.left[0] = weekdays_left(today)
        goes_on = len(self) > 1 and moment(self.data.datetime[-1]).month == today.month
        self.lines.session[0] = self.lines.session[-1] + 1 if goes_on else 1


class TurnOfMonth(SignalStrategy):
    """Buys before the month ends and sells in the first sessions of the next."""

    code = "STR-011"
    title = "Turn of the month"
    hypothesis = "Wages and pension money are invested at the month's end, whatever the price."
    tags = ("calendar", "long only", "daily")
    parameters = (
        Parameter("days_before", int, 1, 1, 10,
                  "Weekdays of the month to be held at its end; the order goes out one session earlier."),
        Parameter("days_after", int, 3, 1, 15, "Sessions of the new month to be held."),
    )  # fmt: skip

    @indicator
    def month(self, data: Any) -> Any:
        return PlaceInMonth(data)

    def signals(self, bars: Bars) -> Signals:
        near = bars.month.left <= self.p.days_before
        # Ordered at the close of the last session held, filled at the open of the next.
        return Signals(enter_long=near, exit_long=(bars.month.session >= self.p.days_after) & ~near)


@lru_cache(maxsize=50_000)
def weekdays_left(day: dt.date) -> int:
    """Weekdays of the month after this day, holidays among them."""
    following = day.replace(day=28) + dt.timedelta(days=4)
    end = following - dt.timedelta(days=following.day)
    return sum((day + dt.timedelta(days=ahead)).weekday() < 5 for ahead in range(1, (end - day).days + 1))
