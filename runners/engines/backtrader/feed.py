"""Prices as a Backtrader data feed."""

from __future__ import annotations

import datetime as dt
from array import array
from typing import Any

import backtrader as bt

from runners.engines.backtrader.late_feeds import refuse
from runners.engines.base import AdjustedPrices, SettingsError

EPOCH = dt.datetime(1970, 1, 1)
DAY = 86_400
UNITS = {
    "m": (bt.TimeFrame.Minutes, 1),
    "h": (bt.TimeFrame.Minutes, 60),
    "d": (bt.TimeFrame.Days, 1),
    "w": (bt.TimeFrame.Weeks, 1),
    "mo": (bt.TimeFrame.Months, 1),
}


def time_numbers(epochs: array[int]) -> array[float]:
    """UTC seconds as Backtrader's days since year 1."""
    return array("d", map(time_number, epochs))


def time_number(epoch: int) -> float:
    days, seconds = divmod(epoch, DAY)
    if not seconds:
        # What date2num gives for midnight, ten times faster.
        return float(days + EPOCH.toordinal())
    number: float = bt.date2num(EPOCH + dt.timedelta(seconds=epoch))
    return number


def bar_length(timeframe: str) -> tuple[int, int]:
    """Backtrader's timeframe and compression for a bar's length such as 5m, 1h, 1d."""
    number = timeframe.rstrip("mhdwo")
    unit = timeframe.removeprefix(number)
    if unit not in UNITS or not number.isdecimal() or int(number) < 1:
        raise SettingsError(
            f"timeframe is {timeframe!r}; expected a number and one of m, h, d, w, mo, such as 1d"
        )
    frame, factor = UNITS[unit]
    return frame, int(number) * factor


class ArrayFeed(bt.feed.DataBase):  # type: ignore[misc]
    """Loads its bars from a AdjustedPrices, one after another, as any Backtrader feed does."""

    params = (("series", None), ("numbers", None))

    def start(self) -> None:
        super().start()
        self._row = 0

    def addfilter(self, *args: Any, **kwargs: Any) -> None:
        self._refuse_late()
        super().addfilter(*args, **kwargs)

    def addfilter_simple(self, *args: Any, **kwargs: Any) -> None:
        self._refuse_late()
        super().addfilter_simple(*args, **kwargs)

    def _refuse_late(self) -> None:
        if hasattr(self, "_row"):
            refuse("a filter, resample() or replay() of a feed")

    def _load(self) -> bool:
        series: AdjustedPrices = self.p.series
        row = self._row
        if row >= len(series):
            return False
        lines = self.lines
        lines.datetime[0] = self.p.numbers[row]
        lines.open[0] = series.open[row]
        lines.high[0] = series.high[row]
        lines.low[0] = series.low[row]
        lines.close[0] = series.close[row]
        lines.volume[0] = series.volume[row]
        self._row = row + 1
        return True
