"""Turn of the month: be in the market for a few days around the month's end, in cash for the rest.

Robert Ariel (A Monthly Effect in Stock Returns, Journal of Financial Economics 18, 1987), Lakonishok and
Smidt (Review of Financial Studies 1, 1988), and out of their samples McConnell and Xu (Equity Returns at the
Turn of the Month, Financial Analysts Journal 64, 2008): nearly all of the American market's return since 1926
fell on the last session of a month and the first three of the next.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from strategies.bar_time import moment
from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter


class TurnOfMonth(BaseStrategy):
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

    def __init__(self) -> None:
        super().__init__()
        self.session_of_month: dict[Any, tuple[int, int]] = {}

    def prenext(self) -> None:
        for data in self.updated_feeds():
            self.count(data)

    def on_bar(self, data: Any) -> None:
        today, session = self.count(data)
        if self.has_pending_order(data):
            return
        left = weekdays_left(today)
        if self.getposition(data).size:
            # Ordered at the close of the last session held, filled at the open of the next.
            if self.p.days_after <= session and left > self.p.days_before:
                self.close(data)
        elif left <= self.p.days_before:
            size = self.calculate_position_size(data.close[0])
            if size:
                self.buy(data, size=size)

    def count(self, data: Any) -> tuple[dt.date, int]:
        """The newest bar's date, and which session of its month it is as far as the bars go back."""
        today = moment(data.datetime[0]).date()
        month, session = self.session_of_month.get(data, (0, 0))
        session = session + 1 if month == today.month else 1
        self.session_of_month[data] = (today.month, session)
        return today, session


def weekdays_left(day: dt.date) -> int:
    """Weekdays of the month after this day, holidays among them."""
    following = day.replace(day=28) + dt.timedelta(days=4)
    end = following - dt.timedelta(days=following.day)
    return sum((day + dt.timedelta(days=ahead)).weekday() < 5 for ahead in range(1, (end - day).days + 1))
