"""A series of raw bars with its dated factors, as every source hands it to the loader."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from runners.errors import DeskError
from runners.prices.bars import Bar as Bar
from runners.prices.bars import Bars

ROUNDING = 1e-9
"""Relative width of the hair by which rounding may put a close above its high or below its low."""


class PriceError(DeskError):
    """Prices that cannot be loaded."""


@dataclass(frozen=True)
class Factor:
    """Prices before `effective_date` (the ex-date) are multiplied by `factor` when they are read adjusted."""

    effective_date: dt.date
    kind: str
    """split (volume is divided by the factor too) or dividend."""
    factor: float


@dataclass(frozen=True)
class PriceSeries:
    """One symbol's bars in order of time. `factors` is the whole set; None leaves what the desk has."""

    symbol: str
    source: str
    bars: Sequence[Bar]
    """A tuple of a few, or Bars of many."""
    timeframe: str = "1d"
    factors: tuple[Factor, ...] | None = None
    title: str | None = None
    asset_class: str | None = None
    closes_only: bool = False
    notes: str | None = None
    path: str | None = None
    merges: bool = False
    """The factors are those of the bars' days; others that the desk has stay."""
    replaces: bool = False
    """All bars may change, as they do where a source adjusts for each new split."""
    calendar: str | None = None
    """Calendar of its exchange; None leaves what the desk has, or finds out from zone and bars."""
    zone: str | None = None
    """Time zone of its exchange, or whose clock the times were written by."""
    clock: tuple[tuple[dt.datetime, int], ...] = ()
    """Where offsets stand beside the times: when they change, and the minutes before UTC from then on."""
    remarks: tuple[str, ...] = field(default=())
    """What the user should know about these bars."""


def session_time(date: dt.date) -> dt.datetime:
    """Time of a daily bar: 00:00 UTC of its session's date."""
    return dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC)


def closes(times: Iterable[dt.datetime], prices: Iterable[float]) -> tuple[Bar, ...]:
    """Bars of a source that has closes only."""
    return tuple(Bar(time, price, price, price, price) for time, price in zip(times, prices, strict=True))


def without_rounding(series: PriceSeries) -> PriceSeries:
    """High and low moved over open and close where only rounding kept them apart; says how many."""
    bars = Bars.of(series.bars)
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    low_high = (bars.high < top) & (top <= bars.high * (1 + ROUNDING))
    high_low = (bars.low > bottom) & (bottom >= bars.low * (1 - ROUNDING))
    count = int(np.count_nonzero(low_high | high_low))
    if not count:
        return series
    widened = replace(bars, high=np.where(low_high, top, bars.high), low=np.where(high_low, bottom, bars.low))
    remark = f"{count} bars had an open or a close a rounding error outside high and low: widened"
    return replace(series, bars=widened, remarks=(*series.remarks, remark))


def without_impossible_bars(series: PriceSeries) -> PriceSeries:
    """Leaves out bars that contradict themselves, and names them. For a source that nobody here can mend."""
    remarks = []
    bars = []
    for bar in series.bars:
        fault = impossible(bar)
        if fault is None:
            bars.append(bar)
        else:
            remarks.append(f"{bar.time:%Y-%m-%d} left out: {fault}")
    return replace(series, bars=tuple(bars), remarks=(*series.remarks, *remarks)) if remarks else series


def impossible(bar: Bar) -> str | None:
    """What contradicts itself in a bar, in words."""
    for name in ("open", "high", "low", "close"):
        price = getattr(bar, name)
        if not (math.isfinite(price) and price > 0):
            return f"{name} is {price:g}"
    if not (math.isfinite(bar.volume) and bar.volume >= 0):
        return f"volume is {bar.volume:g}"
    if bar.high < max(bar.open, bar.close, bar.low):
        return f"high {bar.high!r} is below {max(bar.open, bar.close, bar.low)!r}"
    if bar.low > min(bar.open, bar.close):
        return f"low {bar.low!r} is above {min(bar.open, bar.close)!r}"
    return None
