"""A session is the exchange's day, also where it begins on the evening before or the clock changes."""

from __future__ import annotations

import datetime as dt
from array import array
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from runners.engines.backtrader.feed import time_numbers
from runners.engines.backtrader.timeline import Timeline
from runners.engines.base import AdjustedPrices
from strategies import run_context
from strategies.session_days import SessionDay
from strategies.trading_days import TradingDays

SYDNEY = SessionDay("Australia/Sydney")
NEW_YORK = SessionDay("America/New_York")
CURRENCIES = SessionDay("America/New_York", -7 * 3_600)


def _epoch(text: str, zone: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


@pytest.mark.parametrize(
    ("day", "local", "session"),
    [
        (SessionDay(), "2022-01-03 23:59", "2022-01-03"),
        (SYDNEY, "2022-01-04 10:00", "2022-01-04"),
        (NEW_YORK, "2022-01-04 19:00", "2022-01-04"),
        (CURRENCIES, "2022-01-02 17:00", "2022-01-03"),
        (CURRENCIES, "2022-01-03 16:59", "2022-01-03"),
        (CURRENCIES, "2022-03-13 17:00", "2022-03-14"),
        (CURRENCIES, "2022-11-06 16:59", "2022-11-06"),
    ],
)
def test_a_moment_belongs_to_the_day_of_its_exchange(day: SessionDay, local: str, session: str) -> None:
    assert day.date(_epoch(local, day.zone)) == dt.date.fromisoformat(session)


@pytest.mark.parametrize("day", [SYDNEY, NEW_YORK, CURRENCIES, SessionDay()])
@pytest.mark.parametrize("session", ["2022-03-12", "2022-03-13", "2022-10-01", "2022-11-06", "2022-07-04"])
def test_a_day_ends_where_the_next_begins(day: SessionDay, session: str) -> None:
    date = dt.date.fromisoformat(session)
    end = day.end(date)
    assert day.date(end - 1) == date
    assert day.date(end) == date + dt.timedelta(days=1)


def _prices(epochs: list[int]) -> AdjustedPrices:
    return AdjustedPrices.from_rows("X", epochs, *[[1.0] * len(epochs)] * 5)


def _sessions(*feeds: tuple[SessionDay, list[int]]) -> list[tuple[str, int]]:
    prices = [_prices(epochs) for _, epochs in feeds]
    numbers = [time_numbers(array("q", one.epochs)) for one in prices]
    epochs = {
        number: epoch
        for column, one in zip(numbers, prices, strict=True)
        for number, epoch in zip(column, one.epochs, strict=True)
    }
    timeline = Timeline(prices, numbers, epochs, [day for day, _ in feeds])
    sessions, ends = timeline.session_ends(len(timeline), None)
    return [(session.isoformat(), end) for session, end in zip(sessions, ends, strict=True)]


def test_a_mixed_portfolio_has_the_union_of_sessions() -> None:
    sydney = [_epoch(f"2022-01-0{day} {hour}:00", SYDNEY.zone) for day in (4, 5) for hour in (10, 15)]
    york = [_epoch(f"2022-01-0{day} {hour}:00", NEW_YORK.zone) for day in (3, 4) for hour in (10, 15)]
    # In order: New York's 3rd and 4th lie between Sydney's 4th and 5th; its 15:00 is before Sydney opens.
    assert _sessions((SYDNEY, sydney), (NEW_YORK, york)) == [
        ("2022-01-03", 1), ("2022-01-04", 5), ("2022-01-05", 7),
    ]  # fmt: skip


def test_bars_that_end_their_day_late_belong_to_the_next_one_that_has_begun() -> None:
    coin = [_epoch(f"2022-01-{day} 00:00", "UTC") for day in ("04", "05")]
    after_hours = [_epoch("2022-01-04 10:00", NEW_YORK.zone), _epoch("2022-01-04 19:30", NEW_YORK.zone)]
    assert _sessions((SessionDay(), coin), (NEW_YORK, after_hours)) == [("2022-01-04", 1), ("2022-01-05", 3)]


def test_a_risk_manager_s_day_is_the_run_s_session() -> None:
    feed = SimpleNamespace(_timeframe=4, datetime=[0.0])
    lines = SimpleNamespace(datetime=[0.0])
    strategy = SimpleNamespace(lines=lines, datas=[feed], data=feed, calendar="XNYS")
    times = [_epoch(f"2022-01-0{day} {hour}:00", SYDNEY.zone) for day in (4, 5) for hour in range(10, 16)]
    with run_context.in_run(run_context.RunContext(session_days=(SYDNEY,))):
        days = TradingDays(strategy)
    ordinals = [days.day(time) for time in times]
    assert ordinals == [18_996] * 6 + [18_997] * 6
