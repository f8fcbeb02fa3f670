"""Bars of a week or an hour made of the run's own: feeds beside its symbols, not for orders."""

from __future__ import annotations

import re
from array import array
from collections.abc import Hashable
from itertools import groupby

from runners.engines.base import AdjustedPrices, SettingsError
from strategies.session_days import SessionDay

_SECONDS = {"m": 60, "h": 3600}


def longer_name(symbol: str, timeframe: str) -> str:
    return f"{symbol} {timeframe}"


def longer_bars(series: AdjustedPrices, timeframe: str, day: SessionDay) -> AdjustedPrices:
    """Each bar stands on the first that comes after those that it is made of, as with Backtrader's
    resampledata(): it is over when another has begun. So the last period has none."""
    keys = [_period(epoch, timeframe, day) for epoch in series.epochs]
    groups = [list(group) for _, group in groupby(range(len(series)), key=keys.__getitem__)]
    rows = groups[:-1]
    return AdjustedPrices(
        longer_name(series.symbol, timeframe),
        array("q", [series.epochs[group[-1] + 1] for group in rows]),
        array("d", [series.open[group[0]] for group in rows]),
        array("d", [max(series.high[row] for row in group) for group in rows]),
        array("d", [min(series.low[row] for row in group) for group in rows]),
        array("d", [series.close[group[-1]] for group in rows]),
        array("d", [sum(series.volume[row] for row in group) for group in rows]),
    )


def _period(epoch: int, timeframe: str, day: SessionDay) -> Hashable:
    found = re.fullmatch(r"([1-9][0-9]*)(m|h|d|w|mo)", timeframe)
    if found is None:
        raise SettingsError(f"resample has {timeframe!r}; expected a number and one of m, h, d, w, mo")
    count, unit = int(found[1]), found[2]
    if unit in _SECONDS:
        # By the clock of the exchange, from midnight on.
        return day.date(epoch), day.seconds(epoch) // (count * _SECONDS[unit])
    session = day.date(epoch)
    if unit == "d":
        return session
    if unit == "w":
        return session.isocalendar()[:2]
    return (session.year * 12 + session.month - 1) // count
