"""What is possible and yet seldom meant: days without a market or to come, a fall that looks like a split."""

from __future__ import annotations

import datetime as dt

import numpy as np

from runners.prices.bars import Bars
from runners.prices.series import PriceSeries

OLDEST = 1900
_DAY = 86_400_000_000
_SPLITS = (2, 3, 4, 5, 7, 8, 10, 20)
_NEAR = 0.06
"""How far beside a half, a third, ... a close may fall and look like a split."""


def doubts(series: PriceSeries, now: dt.datetime) -> tuple[str, ...]:
    """In words, for the user to judge; nothing is refused for them."""
    bars = Bars.of(series.bars)
    if not len(bars):
        return ()
    said = []
    days = bars.times // _DAY
    # 1970-01-01 was a Thursday; Monday is 0.
    weekday = (days + 3) % 7
    if series.timeframe.endswith("d"):
        saturdays, sundays = (int(np.count_nonzero(weekday == day)) for day in (5, 6))
        # A market without week-ends has two of them in seven.
        if (saturdays or sundays) and not min(saturdays, sundays) * 10 >= len(bars):
            first = _date(int(days[weekday >= 5][0]))
            counts = ((saturdays, "Saturday"), (sundays, "Sunday"))
            which = " and ".join(f"{count} bars fall on a {day}" for count, day in counts if count)
            hint = ": dates of another clock, a day early?" if sundays * 7 > len(bars) else ""
            said.append(f"{which}, the first on {first}{hint}")
    late = days > now.timestamp() // 86_400 + 1
    if late.any():
        said.append(f"{np.count_nonzero(late)} bars are in the future, the last on {_date(int(days.max()))}")
    old = days < (dt.date(OLDEST, 1, 1) - dt.date(1970, 1, 1)).days
    if old.any():
        said.append(
            f"{np.count_nonzero(old)} bars are before {OLDEST}, the first on {_date(int(days.min()))}"
        )
    if series.timeframe.endswith("d"):
        said += _falls(series, bars, days)
    return tuple(said)


def _falls(series: PriceSeries, bars: Bars, days: np.ndarray) -> list[str]:
    """Closes that fall to a simple part over night, on a day that no split explains."""
    explained = {factor.effective_date for factor in series.factors or () if factor.kind == "split"}
    with np.errstate(all="ignore"):
        times = bars.close[:-1] / bars.close[1:]
    found = []
    for parts in _SPLITS:
        found += [
            (_date(int(days[row + 1])), parts)
            for row in np.flatnonzero(np.abs(times / parts - 1) < _NEAR)
            if _date(int(days[row + 1])) not in explained
        ]
    found.sort()
    shown = ", ".join(f"on {day} to about 1/{parts}" for day, parts in found[:3])
    more = f" and {len(found) - 3} times more" if len(found) > 3 else ""
    return [f"the close falls {shown}{more}: a split that is not in the data?"] if found else []


def _date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)
