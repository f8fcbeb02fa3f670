"""LEAN's method names on BaseStrategy: orders, tickets, schedule, longer bars."""

from __future__ import annotations

import datetime as dt
from typing import Any

import backtrader as bt
import pytest

from strategies.base_strategy import BaseStrategy
from strategies.indicators import MovingAverageType, Resolution
from strategies.market_calendar import CalendarError, market_calendar
from strategies.parameters import ParameterError
from strategies.portfolio import UnknownSymbolError
from strategies.tickets import OrderStatus
from tests.unit.price_samples import by_hand
from tests.unit.strategy_bench import minute_bars, played, sessions


def scripted(*moves: Any) -> Any:
    class Scripted(BaseStrategy):
        def next(self) -> None:
            if len(self) <= len(moves) and moves[len(self) - 1]:
                self.made = [*getattr(self, "made", []), moves[len(self) - 1](self)]

    return Scripted


def test_tickets_follow_their_orders() -> None:
    def first(s: Any) -> Any:
        return [
            s.market_order("X", 10, tag="in"), s.limit_order("X", 5, 9.0), s.stop_market_order("X", -5, 8.0),
            s.stop_limit_order("X", -5, 8.0, 7.5), s.trailing_stop_order("X", -5, 0.1, True),
        ]  # fmt: skip

    def second(s: Any) -> Any:
        filled, limit, stop, stop_limit, trailing = s.made[0]
        assert (filled.status, filled.quantity_filled, filled.average_fill_price) == (
            OrderStatus.FILLED,
            10,
            10.0,
        )
        assert filled.tag == "in"
        assert {one.status for one in (limit, stop, stop_limit, trailing)} == {OrderStatus.SUBMITTED}
        assert limit.update_limit_price(9.5)
        assert stop.cancel()
        assert not filled.cancel()
        assert len(s.transactions.get_open_orders("X")) == 3
        return None

    def third(s: Any) -> Any:
        _, limit, stop, *_ = s.made[0]
        assert (limit.status, limit.average_fill_price) == (OrderStatus.FILLED, 9.5)
        assert stop.status == OrderStatus.CANCELED
        return s.liquidate()

    closes = [10.0, 10.0, 9.4, 10.0, 10.0]
    strategy = played(scripted(first, second, third), by_hand(closes, opens=[10, 10, 10, 10, 10]))
    assert strategy.portfolio["X"].quantity == 0
    assert strategy.transactions.get_open_orders() == []


def test_portfolio_has_leans_names() -> None:
    def look(s: Any) -> Any:
        p, x = s.portfolio, s.portfolio["X"]
        return (
            p.cash, p.total_portfolio_value, p.invested, p.exposure, p.positions, p.total_unrealized_profit,
            x.average_price, x.is_long, x.is_short, x.holdings_value, x.unrealized_profit_percent,
        )  # fmt: skip

    closes = [10.0, 10.0, 12.0, 12.0]
    strategy = played(
        scripted(lambda s: s.set_holdings("X", 0.5), None, look), by_hand(closes), cash=10_000.0
    )
    # 0.5 * 0.9975 * (10,000 - 2.49 of fee that LEAN expects) / 10 = 498.6 shares.
    assert strategy.made[1] == (
        5_020.0, 10_996.0, True, pytest.approx(5_976 / 10_996), {"X": 498.0}, 996.0,
        10.0, True, False, 5_976.0, pytest.approx(0.2),
    )  # fmt: skip
    with pytest.raises(UnknownSymbolError, match="this run has no symbol 'Y'; it has X"):
        strategy.portfolio["Y"]


def test_parameters_have_the_type_of_their_default() -> None:
    class Taker(BaseStrategy):
        params = (("period", 14), ("share", 0.5))

    strategy = played(Taker, by_hand([1.0, 2.0]))
    assert strategy.get_parameter("period") == "14"
    assert strategy.get_parameter("period", 3.0) == 14.0
    assert strategy.get_parameter("missing", 7) == 7
    assert strategy.get_parameter("share", 1.0) == 0.5


def test_events_happen_at_the_exchanges_times() -> None:
    # From Wednesday the 27th of November 2024: Thanksgiving, a half day, and the first week of December.
    seen: list[str] = []

    class Planner(BaseStrategy):
        def initialize(self) -> None:
            for name, dates, times in (
                ("open", self.date_rules.every_day(), self.time_rules.after_market_open("X", 30)),
                ("close", self.date_rules.every_day("X"), self.time_rules.before_market_close("X", 15)),
                ("month", self.date_rules.month_start("X"), self.time_rules.at(10, 0)),
                ("end", self.date_rules.month_end("X"), self.time_rules.noon),
                ("monday", self.date_rules.every(0), self.time_rules.at(9, 31)),
            ):
                self.schedule.on(name, dates, times, lambda name=name: seen.append(f"{name} {self.clock()}"))

        def clock(self) -> str:
            return f"{market_calendar().local(self.schedule.now()):%d %H:%M}"

    played(Planner, minute_bars(sessions("2024-11-27", 3)), minutes=1)
    assert seen == [
        "open 27 10:00", "close 27 15:45", "open 29 10:00", "end 29 12:00", "close 29 12:45",
        "monday 02 09:31", "open 02 10:00", "month 02 10:00", "close 02 15:45",
    ]  # fmt: skip


def test_an_order_for_the_open_waits_for_it() -> None:
    days = sessions("2024-03-08", 2)

    class Opener(BaseStrategy):
        def next(self) -> None:
            if len(self) == 10:
                self.ticket = self.market_on_open_order("X", 7)
                self.cancelled = self.market_on_open_order("X", 9)
                assert self.ticket.status == OrderStatus.NEW
                assert self.cancelled.cancel()

        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed:
                self.filled = order.executed.dt

    strategy = played(Opener, minute_bars(days), minutes=1)
    assert strategy.position.size == 7
    assert bt.num2date(strategy.filled).strftime("%F %H:%M") == "2024-03-11 13:30"
    assert strategy.cancelled.status == OrderStatus.CANCELED


def test_longer_bars_give_the_same_as_bars_of_that_length() -> None:
    days = sessions("2024-06-20", 40)
    fine = minute_bars(days, minutes=30)
    values: dict[str, list[Any]] = {"fine": [], "daily": []}

    class Indicators(BaseStrategy):
        def initialize(self) -> None:
            wilders, simple, daily = MovingAverageType.WILDERS, MovingAverageType.SIMPLE, Resolution.DAILY
            self.made = [
                self.rsi("X", 5, wilders, daily), self.bb("X", 6, 2, simple, daily), self.sma("X", 4, daily),
                self.ema("X", 4, daily), self.atr("X", 5, simple, daily),
                self.macd("X", 3, 6, 4, resolution=daily),
            ]  # fmt: skip

        def next(self) -> None:
            if all(one.is_ready for one in self.made):
                self.seen.append([
                    *(one.current.value for one in self.made),
                    self.made[1].upper_band[0], self.made[5].signal[0],
                ])  # fmt: skip

    class Fine(Indicators):
        seen = values["fine"]

    class Daily(Indicators):
        seen = values["daily"]

    played(Fine, fine, minutes=30)
    bars: dict[dt.date, list[int]] = {}
    for place, epoch in enumerate(fine.epochs):
        bars.setdefault(market_calendar().local(epoch).date(), []).append(place)
    rows = [
        (day, fine.open[i], max(fine.high[i : j + 1]), min(fine.low[i : j + 1]), fine.close[j], 1.0)
        for day, i, j in ((day, at[0], at[-1]) for day, at in bars.items())
    ]
    from tests.unit.price_samples import series_of

    played(Daily, series_of("X", rows))
    # A day is complete with its last bar, and its values hold until the next day's.
    changed = [
        row for row, before in zip(values["fine"], [None, *values["fine"]], strict=False) if row != before
    ]
    assert len(changed) == len(values["daily"]) >= 30
    for ours, theirs in zip(changed, values["daily"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-9)


def test_what_cannot_be_is_refused_in_words() -> None:
    class Late(BaseStrategy):
        def next(self) -> None:
            self.sma("X", 3)

    with pytest.raises(ParameterError, match="before the first bar"):
        played(Late, by_hand([1.0, 2.0]))

    class Finer(BaseStrategy):
        def initialize(self) -> None:
            self.sma("X", 3, Resolution.HOUR)

    with pytest.raises(ParameterError, match="bars of 3600 s cannot be made of bars of 86400 s"):
        played(Finer, by_hand([1.0, 2.0]))
    with pytest.raises(CalendarError, match="there is no exchange calendar 'MOON'"):
        market_calendar("MOON")
    with pytest.raises(CalendarError, match="knows 1990-01-02"):
        market_calendar().session(dt.date(1980, 1, 2))


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"sizing": "share"}, 950),
        ({"sizing": "risk", "risk_per_trade": 0.01, "stop_distance": 0.05}, 200),
        ({"sizing": "fixed", "fixed_size": 33}, 33),
        # Log returns of +-0.0953: sample deviation 0.11006, a year's 1.7471; 15,000 / 174.71.
        ({"sizing": "volatility", "volatility_target": 0.15, "volatility_period": 4}, 85),
    ],
)
def test_four_ways_to_size(options: dict[str, Any], size: int) -> None:
    class Sizer(BaseStrategy):
        params = tuple(options.items())

        def next(self) -> None:
            self.size = self.calculate_position_size(100.0)

    assert played(Sizer, by_hand([100.0, 110.0, 100.0, 110.0, 100.0])).size == size


def test_forgotten_super_calls_do_no_harm() -> None:
    class Forgetful(BaseStrategy):
        params = (("enable_risk_manager", True), ("enable_db_logging", True))

        def __init__(self) -> None:
            self.bars = 0

        def next(self) -> None:
            self.bars += 1
            self.buy(size=10_000)

        def notify_order(self, order: Any) -> None:
            """Says nothing on."""

    strategy = played(Forgetful, by_hand([10.0] * 5))
    assert strategy.bars == 5
    assert strategy.position.size == 0
    tables = [table for table, _ in strategy.db_logger.rows]
    assert (tables.count("portfolio_snapshots"), tables.count("daily_summaries")) == (2, 5)
    assert tables.count("risk_events") >= 5
