"""Generated bars: in real sessions, repeatable, possible."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import pytest

from runners.prices.generated import Recipe, generated
from runners.prices.series import Bar, PriceError, impossible

# Thanksgiving 2012 and the half day after it; the clocks changed on 4 November.
FIRST, LAST = dt.date(2012, 11, 1), dt.date(2012, 11, 26)


def by_day(bars: Sequence[Bar]) -> dict[dt.date, list[Bar]]:
    days: defaultdict[dt.date, list[Bar]] = defaultdict(list)
    for bar in bars:
        days[bar.time.date()].append(bar)
    return days


def test_bars_fill_the_sessions_half_days_and_clock_changes_included() -> None:
    days = by_day(generated("GEN1", FIRST, LAST, timeframe="5m", recipe=Recipe(missing=0.0)).bars)
    assert {day: len(bars) for day, bars in days.items() if len(bars) != 78} == {dt.date(2012, 11, 23): 42}
    assert dt.date(2012, 11, 22) not in days
    # 09:30 in New York, before and after the clocks changed.
    assert days[dt.date(2012, 11, 2)][0].time.time() == dt.time(13, 30)
    assert days[dt.date(2012, 11, 5)][0].time.time() == dt.time(14, 30)
    assert days[dt.date(2012, 11, 23)][-1].time.time() == dt.time(17, 55)


def test_equal_seeds_give_equal_bars_and_others_do_not() -> None:
    bars = generated("GEN1", FIRST, LAST, seed=7, timeframe="15m").bars
    assert generated("GEN1", FIRST, LAST, seed=7, timeframe="15m").bars == bars
    assert generated("GEN1", FIRST, LAST, seed=8, timeframe="15m").bars != bars
    assert generated("GEN2", FIRST, LAST, seed=7, timeframe="15m").bars != bars


def test_bars_are_possible_some_are_missing_and_nights_have_gaps() -> None:
    series = generated("GEN1", FIRST, LAST, seed=1, timeframe="1m", recipe=Recipe(missing=0.05))
    assert [impossible(bar) for bar in series.bars if impossible(bar)] == []
    days = by_day(series.bars)
    full = [len(bars) for day, bars in days.items() if day != dt.date(2012, 11, 23)]
    assert all(330 < count < 390 for count in full)
    ordered = [days[day] for day in sorted(days)]
    jumps = [after[0].open / before[-1].close - 1 for before, after in pairwise(ordered)]
    assert max(map(abs, jumps)) > 0.002
    assert "no real prices" in series.remarks[0]


@pytest.mark.parametrize(
    ("timeframe", "calendar", "message"),
    [
        ("1d", "XNYS", "minutes or hours, not 1d"),
        ("0m", "XNYS", "minutes or hours, not 0m"),
        ("5m", "NOWHERE", "no exchange calendar 'NOWHERE'"),
    ],
)
def test_what_cannot_be_generated_is_told(timeframe: str, calendar: str, message: str) -> None:
    with pytest.raises(PriceError, match=message):
        generated("GEN1", FIRST, LAST, timeframe=timeframe, calendar=calendar)


def test_a_window_without_a_session_is_told() -> None:
    with pytest.raises(PriceError, match="no session"):
        generated("GEN1", dt.date(2012, 11, 22), dt.date(2012, 11, 22))
