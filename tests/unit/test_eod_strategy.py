"""Flat at the deadline of every session: full days, half days, both clock changes, holes in the data."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from strategies.bar_time import epoch
from strategies.eod_strategy import EODStrategy
from strategies.market_calendar import market_calendar
from strategies.parameters import ParameterError
from tests.unit.price_samples import by_hand
from tests.unit.strategy_bench import minute_bars, played, sessions


class Restless(EODStrategy):
    """Buys and sells at random at every moment, rests limit orders, and never looks at the clock."""

    params = (("enable_risk_manager", False), ("eod_time", "15:55"))
    activity = 0.2

    def __init__(self) -> None:
        super().__init__()
        self.random = random.Random(3)
        self.held_at: dict[dt.date, dict[str, float]] = {}
        self.late: list[str] = []

    def next(self) -> None:
        assert self.session is not None
        began = epoch(self.lines.datetime[0])
        local = market_calendar().local(began)
        if self.session.close - 301 <= began < self.session.close:
            self.held_at.setdefault(self.session.date, {})[f"{local:%H:%M}"] = self.position.size
        if self.random.random() < self.activity:
            before = self.position.size
            order = self.random.choice((self.buy, self.sell))(size=self.random.randint(1, 50))
            grows = order is not None and before * order.size >= 0
            if grows and self.session.close - self.bar_end() <= 30 * 60:
                self.late.append(f"{local}")
        if self.random.random() < self.activity / 4:
            self.buy(size=5, exectype=1, price=self.data.close[0] * 0.999, valid=None)


class Calmer(Restless):
    activity = 0.05


def test_two_hundred_days_end_flat() -> None:
    # 2024-06-20 to 2025-04-04: three half days (3 July, 29 November, 24 December), clocks back and forward.
    days = sessions("2024-06-20", 200)
    calendar = market_calendar()
    closes = {(calendar.local(day.close).hour, day.close // 3600 % 24) for day in days}
    assert closes == {(16, 20), (16, 21), (13, 17), (13, 18)}, "half days and both clocks are among them"
    strategy = played(Calmer, minute_bars(days), minutes=1)
    assert list(strategy.held_at) == [day.date for day in days]
    assert strategy.late == []
    assert {len(held) for held in strategy.held_at.values()} == {5}
    assert [day for day, held in strategy.held_at.items() if any(held.values())] == []
    assert len(strategy.session_snapshots) == 200


def test_a_hole_in_the_data_delays_it_to_the_next_bar_that_there_is() -> None:
    days = sessions("2024-06-20", 60)
    strategy = played(Restless, minute_bars(days, gaps=0.05), minutes=1)
    assert strategy.late == []
    assert [day for day, held in strategy.held_at.items() if list(held.values())[-1]] == []


def test_minute_bars_are_flat_at_five_to_four_to_the_minute() -> None:
    days = sessions("2024-11-27", 3)
    strategy = played(Restless, minute_bars(days), minutes=1)
    assert [f"{day}" for day in strategy.held_at] == ["2024-11-27", "2024-11-29", "2024-12-02"]
    for day, held in strategy.held_at.items():
        first = "12:55" if day == dt.date(2024, 11, 29) else "15:55"
        assert next(iter(held)) == first
        assert set(held.values()) == {0}


class Asked(EODStrategy):
    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, bool] = {}

    def next(self) -> None:
        super().next()
        self.answers[f"{market_calendar().local(self.bar_end()):%H:%M}"] = self.should_trade()


@pytest.mark.parametrize(("minutes", "last"), [(1, "15:29"), (5, "15:25"), (15, "15:15"), (30, "15:00")])
def test_should_trade_until_half_an_hour_before_the_close(minutes: int, last: str) -> None:
    strategy = played(Asked, minute_bars(sessions("2024-03-08", 2), minutes=minutes), minutes=minutes)
    assert max(at for at, answer in strategy.answers.items() if answer) == last
    assert strategy.answers["16:00"] is False


def test_daily_bars_say_that_nothing_is_done() -> None:
    class Holder(EODStrategy):
        params = (("enable_risk_manager", False),)

        def next(self) -> None:
            super().next()
            if not self.position and self.should_trade():
                self.buy(size=1)

    strategy = played(Holder, by_hand([10.0] * 5))
    assert strategy.position.size == 1
    assert strategy.log_lines[0] == (
        "before the first bar  warning: daily bars: EODStrategy does nothing, positions are held overnight"
    )


def test_it_can_be_switched_off_and_another_time_chosen() -> None:
    bars = minute_bars(sessions("2024-03-08", 1))
    held = played(Restless, bars, minutes=1, eod_liquidate=False).held_at
    assert any(size for by_minute in held.values() for size in by_minute.values())

    class Early(Restless):
        def on_eod(self, date: dt.date) -> None:
            self.closed = f"{market_calendar().local(self.bar_end()):%H:%M}"

    assert played(Early, bars, minutes=1, eod_time="14:00").closed == "14:00"
    for wrong in ("25:00", "16:00", "09:00", "late"):
        with pytest.raises(ParameterError, match="eod_time is"):
            played(Restless, bars, minutes=1, eod_time=wrong)


def test_hooks_are_called_once_a_session() -> None:
    class Diary(EODStrategy):
        params = (("enable_risk_manager", False),)

        def __init__(self) -> None:
            super().__init__()
            self.pages: list[Any] = []

        def on_session_start(self, date: dt.date) -> None:
            self.pages.append(("start", f"{date:%d}"))

        def on_eod(self, date: dt.date) -> None:
            self.pages.append(("eod", f"{date:%d}"))

    strategy = played(Diary, minute_bars(sessions("2024-07-02", 2), minutes=15), minutes=15)
    assert strategy.pages == [("start", "02"), ("eod", "02"), ("start", "03"), ("eod", "03")]
