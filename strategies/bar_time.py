"""Backtrader's time numbers, to the second: its own conversion is off by some microseconds."""

from __future__ import annotations

import datetime as dt
from typing import Any

import backtrader as bt

EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
DAY_SECONDS = 86_400


def epoch(number: float) -> int:
    """UTC seconds of a Backtrader number (days since year 1)."""
    return round((number - EPOCH_DAY) * DAY_SECONDS)


def moment(number: float) -> dt.datetime:
    """The number as a naive datetime in UTC, as Backtrader's strategies know it."""
    return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=epoch(number))


def is_intraday(data: Any) -> bool:
    return bool(data._timeframe < bt.TimeFrame.Days)


def bar_seconds(data: Any) -> int:
    """Length of an intraday bar; 0 of a tick."""
    unit = {bt.TimeFrame.Seconds: 1, bt.TimeFrame.Minutes: 60}.get(data._timeframe, 0)
    return int(unit * data._compression)
