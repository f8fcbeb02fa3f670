"""No order that breaks a limit reaches the broker; each limit at, just under and just over its threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import run_context
from strategies.base_strategy import BaseStrategy
from strategies.risk_limits import RiskLimitError, RiskLimits
from strategies.risk_manager import RiskManager
from tests.unit.price_samples import by_hand
from tests.unit.strategy_bench import minute_bars, played, sessions

pytestmark = pytest.mark.live

OPEN: dict[str, Any] = dict.fromkeys(
    (
        "max_concentration",
        "max_leverage",
        "max_positions",
        "max_orders_per_day",
        "max_daily_loss",
        "max_drawdown",
    )
)
"""No limit at all: tests switch on the one that they are about."""
FLAT = [100.0] * 6


def scripted(limits: dict[str, Any], *moves: Any) -> Any:
    """A strategy that does moves[n](self) on its n-th bar under these limits."""

    class Scripted(BaseStrategy):
        def __init__(self) -> None:
            super().__init__()
            self.risk = RiskManager(self, OPEN | limits)
            self.sent: list[bool] = []

        def next(self) -> None:
            if len(self) <= len(moves) and moves[len(self) - 1] is not None:
                self.sent.append(moves[len(self) - 1](self) is not None)

    return Scripted


def buys(size: float, price: float | None = None, data: int = 0) -> Any:
    def move(strategy: Any) -> Any:
        kind = {} if price is None else {"exectype": bt.Order.Limit, "price": price}
        return strategy.buy(strategy.datas[data], size, **kind)

    return move


def sells(size: float) -> Any:
    return lambda strategy: strategy.sell(size=size)


@pytest.mark.parametrize(
    ("limits", "size", "passes"),
    [
        ({"max_position_shares": 100}, 99, True), ({"max_position_shares": 100}, 100, True),
        ({"max_position_shares": 100}, 101, False),
        ({"max_position_value": 5_000}, 49, True), ({"max_position_value": 5_000}, 50, True),
        ({"max_position_value": 5_000}, 51, False),
        ({"max_position_pct": 0.1}, 99, True), ({"max_position_pct": 0.1}, 100, True),
        ({"max_position_pct": 0.1}, 101, False),
        ({"max_concentration": 0.25}, 249, True), ({"max_concentration": 0.25}, 250, True),
        ({"max_concentration": 0.25}, 251, False),
        ({"max_leverage": 0.5}, 499, True), ({"max_leverage": 0.5}, 500, True),
        ({"max_leverage": 0.5}, 501, False),
    ],
)  # fmt: skip
def test_sizes_may_reach_a_limit_and_not_pass_it(limits: dict[str, Any], size: int, passes: bool) -> None:
    # The account has 100,000, the price is 100.
    strategy = played(scripted(limits, buys(size)), by_hand(FLAT))
    assert strategy.sent == [passes]
    assert strategy.position.size == (size if passes else 0)
    refused = [event for event in strategy.risk.events if event.severity == "warning"]
    assert len(refused) == (0 if passes else 1)
    if refused:
        (name,) = limits
        assert (refused[0].limit, refused[0].size, refused[0].threshold) == (name, size, limits[name])
    # The same by asking, and by the sell side.
    short = played(scripted(limits, sells(size)), by_hand(FLAT))
    assert short.sent == [passes]


@pytest.mark.parametrize(("count", "passes"), [(2, True), (3, True), (4, False)])
def test_positions_are_counted_with_pending_entries(count: int, passes: bool) -> None:
    moves = [lambda strategy: [strategy.buy(data, 1) for data in strategy.datas][-1]]
    series = [by_hand(FLAT, symbol=f"S{place}") for place in range(count)]
    strategy = played(scripted({"max_positions": 3}, *moves), *series)
    assert strategy.sent == [passes]


@pytest.mark.parametrize(("orders", "passes"), [(2, True), (3, True), (4, False)])
def test_orders_are_counted_by_day(orders: int, passes: bool) -> None:
    def many(strategy: Any) -> Any:
        return [strategy.buy(size=1) for _ in range(orders)][-1]

    strategy = played(scripted({"max_orders_per_day": 3}, many, buys(1)), by_hand(FLAT))
    assert strategy.sent == [passes, True], "the next day has orders of its own"


@pytest.mark.parametrize(("close", "passes"), [(98.01, True), (98.0, False), (97.99, False)])
def test_a_daily_loss_may_not_reach_its_limit(close: float, passes: bool) -> None:
    # 1,000 shares bought at the open of day 2; on day 3 they fall from 100 to `close`: 2 % of 100,000.
    prices = by_hand([100, 100, close, close, close], opens=[100, 100, 100, close, close])
    limits = {"max_daily_loss": 0.02}
    strategy = played(scripted(limits, buys(1000), None, buys(1), buys(1)), prices)
    assert strategy.sent == [True, passes, True], "a new day begins with no loss"
    critical = [event.limit for event in strategy.risk.events if event.severity == "critical"]
    assert critical == ([] if passes else ["max_daily_loss"])


@pytest.mark.parametrize(("close", "passes"), [(80.01, True), (80.0, False), (79.99, False)])
def test_a_drawdown_may_not_reach_its_limit(close: float, passes: bool) -> None:
    prices = by_hand([100, 100, close, close, close], opens=[100, 100, 100, close, close])
    limits = {"max_drawdown": 0.2, "flatten_on_drawdown": False}
    strategy = played(scripted(limits, buys(1000), None, buys(1), buys(1)), prices)
    assert strategy.sent == [True, passes, passes], "a drawdown does not end with the day"


def test_a_drawdown_closes_everything_until_it_is_resumed() -> None:
    prices = by_hand([100, 100, 79, 79, 79, 79], opens=[100, 100, 100, 79, 79, 79])

    def resume(strategy: Any) -> Any:
        strategy.risk.resume()
        return strategy.buy(size=1)

    strategy = played(scripted({"max_drawdown": 0.2}, buys(1000), None, buys(1), buys(1), resume), prices)
    assert strategy.sent == [True, False, False, True]
    assert strategy.position.size == 1
    assert strategy.portfolio.total_profit == -21_000


def test_pending_orders_count_as_if_they_were_filled() -> None:
    def two(strategy: Any) -> Any:
        assert strategy.buy(size=60, exectype=bt.Order.Limit, price=90.0) is not None
        return strategy.buy(size=41)

    strategy = played(scripted({"max_position_shares": 100}, two, buys(40)), by_hand(FLAT))
    assert strategy.sent == [False, True]


def test_a_position_can_always_be_left_and_not_turned_round() -> None:
    def stop(strategy: Any) -> Any:
        return strategy.sell(size=100, exectype=bt.Order.Stop, price=95.0)

    limits = {"max_position_shares": 100, "max_orders_per_day": 1}
    strategy = played(scripted(limits, buys(100), stop, sells(100), sells(101)), by_hand(FLAT))
    # The close goes through although it is the day's only order, and takes the resting stop with it.
    assert strategy.sent == [True, True, True, False]
    assert strategy.position.size == 0


def test_a_close_beside_a_sale_of_the_same_bar_is_one_too_many() -> None:
    def twice(strategy: Any) -> Any:
        assert strategy.sell(size=150) is not None
        return strategy.close()

    strategy = played(scripted({"max_position_shares": 100}, buys(100), twice), by_hand(FLAT))
    assert strategy.sent == [True, False]
    assert strategy.position.size == -50


def test_a_refused_bracket_has_no_stop_and_no_target() -> None:
    def bracket(size: int) -> Any:
        return lambda s: s.buy_bracket(size=size, exectype=bt.Order.Market, stopprice=90, limitprice=110)[0]

    strategy = played(scripted({"max_position_shares": 100}, bracket(101), bracket(100)), by_hand(FLAT))
    assert strategy.sent == [False, True]
    assert strategy.position.size == 100
    assert len(list(strategy.pending_orders())) == 2


def test_every_way_to_order_is_watched() -> None:
    ways = [
        lambda s: s.order_target_size(target=500),
        lambda s: s.order_target_percent(target=0.9),
        lambda s: s.order_target_value(target=50_000),
        lambda s: s.market_order("X", 500).order,
        lambda s: (s.set_holdings("X", 0.9) or [None])[0].order,
    ]
    for way in ways:
        strategy = played(scripted({"max_position_shares": 100}, way), by_hand(FLAT))
        assert strategy.sent == [False]
        assert strategy.position.size == 0


def test_a_plain_backtrader_strategy_is_watched_too() -> None:
    class Plain(bt.Strategy):
        def __init__(self) -> None:
            self.risk = RiskManager(self, {"max_position_shares": 100})
            self.answers: list[tuple[bool, str]] = []

        def next(self) -> None:
            if len(self) == 1:
                self.answers = [self.risk.can_trade(100, 100.0), self.risk.can_trade(101, 100.0)]
                self.order_target_size(target=101)
                self.buy(size=100)

    strategy = played(Plain, by_hand(FLAT))
    assert strategy.answers == [(True, "ok"), (False, "Position in shares: 101 > 100")]
    assert strategy.position.size == 100


def test_asking_changes_nothing_and_sizes_fit_the_limits() -> None:
    class Careful(BaseStrategy):
        params = (("enable_risk_manager", True),)

        def on_bar(self, data: Any) -> None:
            if len(self) == 1:
                assert self.risk_manager is not None
                self.size = self.calculate_position_size(100.0)
                self.answers = [
                    self.risk_manager.can_trade(size, 100.0) for size in (self.size, self.size + 1)
                ]
                self.buy(size=self.size)

    strategy = played(Careful, by_hand(FLAT))
    # A quarter of 100,000, the default.
    assert strategy.size == 250
    assert [can for can, _ in strategy.answers] == [True, False]
    assert strategy.answers[1][1] == "Concentration: 0.251 > 0.25"
    assert [event.limit for event in strategy.risk_manager.events] == ["day"]


def test_the_day_begins_at_the_open_of_the_exchange() -> None:
    # 2024-07-03 is a half day, 2024-07-04 a holiday; 390 + 210 + 390 bars of a minute.
    days = sessions("2024-07-02", 3)
    seen: list[Any] = []

    class Watcher(BaseStrategy):
        def __init__(self) -> None:
            super().__init__()
            self.risk = RiskManager(self, OPEN)
            self.risk.listeners.append(lambda event: seen.append((event.limit, event.time)))

        def next(self) -> None:
            self.buy(size=1)

    played(Watcher, minute_bars(days), minutes=1)
    assert [(limit, str(time)) for limit, time in seen] == [
        ("day", "2024-07-03 13:30:00"), ("day", "2024-07-05 13:30:00"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_leverag": 1}, "unknown risk limit 'max_leverag'; known are: max_position_shares"),
        ({"max_leverage": -1}, "max_leverage is -1; expected a number from 0 on"),
        ({"max_leverage": "2"}, "max_leverage is '2'"),
        ({"flatten_on_drawdown": 3}, "flatten_on_drawdown is 3; expected true or false"),
        ({"max_daily_loss": 2}, "2; expected at most 1, or nothing. It is a fraction: 0.02 is 2%"),
        ({"max_orders_per_day": 1e7}, "expected at most 1e.06, or nothing.$"),
        ([1], "expected limits by name"),
        ("nowhere.yaml", "risk limits cannot be read from nowhere.yaml"),
    ],
)
def test_limits_that_are_none_are_refused(limits: Any, message: str) -> None:
    with pytest.raises(RiskLimitError, match=message):
        RiskLimits.of(limits)


def test_limits_come_from_a_file_from_rows_and_from_the_run(tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("risk_limits:\n  max_daily_loss: 0.03\n  max_positions: null\n")
    assert RiskLimits.of(file).max_daily_loss == 0.03
    assert RiskLimits.of(str(file)).max_positions is None
    rows = RiskLimits.from_rows([("max_drawdown", 0.1), ("flatten_on_drawdown", 0), ("max_leverage", None)])
    assert (rows.max_drawdown, rows.flatten_on_drawdown, rows.max_leverage) == (0.1, False, None)
    with run_context.in_run(run_context.RunContext(risk_limits={"max_position_shares": 7})):
        strategy = played(scripted({}, buys(8)), by_hand(FLAT))
        assert strategy.sent == [True], "limits given in code come before the run's"
        assert RiskManager(strategy).limits.max_position_shares == 7


KINDS = ("buy", "buy", "sell", "target", "limit", "stop", "bracket", "close", "cancel", "flatten")
ORDERS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 1), st.integers(1, 600), st.integers(-12, 12)),
    min_size=12,
    max_size=36,
)
# One limit alone or several: a tight one would hide that another is not kept.
LIMITS = st.fixed_dictionaries(
    {
        "max_position_shares": st.none() | st.integers(0, 300),
        "max_position_value": st.none() | st.integers(1_000, 40_000),
        "max_concentration": st.none() | st.sampled_from([0.1, 0.25, 0.5]),
        "max_leverage": st.none() | st.sampled_from([0.2, 0.5, 1.0]),
        "max_positions": st.none() | st.integers(0, 2),
        "max_orders_per_day": st.none() | st.integers(1, 3),
        "max_daily_loss": st.none() | st.sampled_from([0.005, 0.02]),
        "max_drawdown": st.none() | st.sampled_from([0.01, 0.05]),
        "flatten_on_drawdown": st.booleans(),
    }
)
PRICES = st.lists(st.integers(70, 130), min_size=12, max_size=12)


def act(strategy: Any, move: tuple[str, int, int, int]) -> None:
    kind, which, size, distance = move
    data = strategy.datas[which]
    price = data.close[0] + distance
    match kind:
        case "buy" | "sell":
            getattr(strategy, kind)(data, size)
        case "target":
            strategy.order_target_size(data, distance * 20)
        case "limit":
            (strategy.buy if distance < 0 else strategy.sell)(
                data, size, exectype=bt.Order.Limit, price=price
            )
        case "stop":
            (strategy.buy if distance > 0 else strategy.sell)(data, size, exectype=bt.Order.Stop, price=price)
        case "bracket":
            strategy.buy_bracket(
                data=data, size=size, exectype=bt.Order.Market, stopprice=price - 15, limitprice=price + 15
            )
        case "close":
            strategy.close(data)
        case "cancel":
            strategy.cancel_pending(data)
        case "flatten":
            strategy.risk.flatten()


def never_breaks_a_limit(limits: dict[str, Any], orders: list[Any], a: list[int], b: list[int]) -> None:
    """Judged anew, from the broker's own books: positions after fills, and every order as it is sent."""
    problems: list[str] = []
    most = {name: float("inf") if limit is None else limit for name, limit in limits.items()}

    class Random(BaseStrategy):
        def __init__(self) -> None:
            super().__init__()
            self.risk = RiskManager(self, limits)
            self.today = 0
            self.peak = self.begin = self.before = 100_000.0

        def remembered(self, order: Any) -> Any:
            if order is not None:
                self.today += 1
                held = self.broker.getposition(order.data).size
                exits = held * order.size < 0 and abs(order.size) <= abs(held)
                child = order.parent is not None
                value = self.broker.getvalue()
                entry = not exits and not child
                if entry and self.today > most["max_orders_per_day"]:
                    problems.append("orders")
                if entry and (self.peak - value) / self.peak >= most["max_drawdown"]:
                    problems.append("drawdown")
                if entry and (self.begin - value) / self.begin >= most["max_daily_loss"]:
                    problems.append("daily loss")
                worth = abs(order.size) * (order.created.pricelimit or order.created.price)
                if entry and held * order.size >= 0:
                    if worth > most["max_concentration"] * value * 1.0001:
                        problems.append("concentration")
                    if worth > most["max_leverage"] * value * 1.0001:
                        problems.append("leverage")
                    if worth > most["max_position_value"] * 1.0001:
                        problems.append("value")
            return super().remembered(order)

        def next(self) -> None:
            value = self.broker.getvalue()
            self.begin, self.before, self.today = self.before, value, 0
            self.peak = max(self.peak, value)
            sizes = [self.broker.getposition(data).size for data in self.datas]
            if max(map(abs, sizes)) > most["max_position_shares"]:
                problems.append(f"shares {sizes}")
            if sum(1 for size in sizes if size) > most["max_positions"]:
                problems.append(f"positions {sizes}")
            for move in orders[3 * len(self) - 3 : 3 * len(self)]:
                act(self, move)

    played(Random, by_hand(a, symbol="A"), by_hand(b, symbol="B"))
    assert problems == []


@settings(max_examples=80, deadline=None)
@given(LIMITS, ORDERS, PRICES, PRICES)
def test_random_orders_never_break_a_limit(limits: Any, orders: Any, a: Any, b: Any) -> None:
    never_breaks_a_limit(limits, orders, a, b)


@pytest.mark.long
@settings(max_examples=1_000, deadline=None)
@given(LIMITS, ORDERS, PRICES, PRICES)
def test_a_thousand_random_sequences_never_break_a_limit(limits: Any, orders: Any, a: Any, b: Any) -> None:
    never_breaks_a_limit(limits, orders, a, b)
