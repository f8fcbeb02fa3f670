"""Shorts on margin, by hand: what is refused, when shorts are bought back, and that the order says why."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult
from strategies.registry import RegisteredStrategy
from tests.unit.price_samples import by_hand, settings_for, wandering

MARGIN = {"initial": 0.5, "maintenance": 0.3}
Act = Callable[[Any, int], None]


class Acting(bt.Strategy):
    act: Act
    last: Acting

    def __init__(self) -> None:
        self.bars = 0
        self.seen: list[tuple[int, str, bool, float, str]] = []
        type(self).last = self

    def next(self) -> None:
        self.bars += 1
        type(self).act(self, self.bars)

    def notify_order(self, order: Any) -> None:
        status, reason = order.getstatusname(), order.info.get("reason") or ""
        self.seen.append((len(self), status, order.isbuy(), order.created.size, reason))


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[PointResult, Acting]]:
    def run(
        act: Act, *series: AdjustedPrices, stock: bool = False, **config: Any
    ) -> tuple[PointResult, Acting]:
        strategy: Any = type("Acting", (Acting,), {"act": staticmethod(act)})
        here = Path(__file__)
        entry = RegisteredStrategy("acting", strategy, __name__, here, here.parent)
        monkeypatch.setattr("runners.engines.backtrader.engine.resolve", lambda _: entry)
        settings = settings_for("acting", series, stock=stock, **config)
        (found,) = BacktraderEngine().run(settings, series, [Point(1, {})], lambda _: None)
        assert isinstance(found, PointResult), found
        return found, strategy.last

    return run


def sells(size: float) -> Act:
    return lambda s, bar: s.sell(size=size) if bar == 1 else None


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])
def test_a_short_is_bought_back_when_the_account_is_worth_too_little(played: Any, stock: bool) -> None:
    """1,000 sold at 100: 200,000 of cash. At 154 the account is worth 46,000 < 0.3 x 154,000 = 46,200, at
    153.8 it would be worth 46,200 > 46,140; bought back at the next open, 160: 40,000 are left."""
    closes = [100, 100, 120, 153.8, 154, 150, 90]
    opens = [100, 100, 110, 130, 154, 160, 90]
    result, strategy = played(sells(1000), by_hand(closes, opens), stock=stock, margin=MARGIN)
    assert result.equity == [100_000, 100_000, 80_000, 46_200, 46_000, 40_000, 40_000]
    assert [(trade.size, trade.exit_price) for trade in result.trades] == [(-1000, 160)]
    assert strategy.seen[-2:] == [
        (5, "Accepted", True, 1000, "margin call"),
        (6, "Completed", True, 1000, "margin call"),
    ]
    assert result.metrics["engine_metrics"]["margin_calls"] == 1
    assert result.metrics["engine_metrics"]["flag shorts bought back on a margin call"] == 1
    without, _ = played(sells(1000), by_hand(closes, opens), stock=stock)
    assert without.equity[-1] == 110_000
    assert "margin_calls" not in without.metrics["engine_metrics"]


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])
@pytest.mark.parametrize(("size", "fills"), [(2000, True), (2001, False)])
def test_a_short_beyond_the_initial_margin_is_refused(
    played: Any, size: float, fills: bool, stock: bool
) -> None:
    """100,000 are half of 200,000, and less than half of 200,100."""
    result, strategy = played(sells(size), by_hand([100, 100, 100]), stock=stock, margin=MARGIN)
    assert result.metrics["total_orders"] == fills
    assert strategy.seen[-1][1::3] == (("Completed", "") if fills else ("Margin", "initial margin"))


def test_fees_of_the_order_count(played: Any) -> None:
    config = {"margin": MARGIN, "commission": {"percent": 0.001}}
    result, _ = played(sells(2000), by_hand([100, 100, 100]), **config)
    assert result.metrics["total_orders"] == 0


def test_longs_bought_with_what_a_short_brought_count_too(played: Any) -> None:
    """1,000 short and 1,000 long at 100: 100,000 are half of 200,000; 500 more of either are too many."""

    def pair(strategy: Any, bar: int) -> None:
        for at, size in ((1, 1000), (3, 500)):
            if bar == at:
                strategy.sell(strategy.datas[0], size=size)
                strategy.buy(strategy.datas[1], size=size)

    flat = [100.0] * 5
    result, strategy = played(pair, by_hand(flat), by_hand(flat, symbol="Y"), margin=MARGIN)
    assert [position.size for position in strategy.broker.positions.values()] == [-1000, 1000]
    assert result.metrics["total_orders"] == 2


def test_an_account_without_shorts_is_left_alone(played: Any) -> None:
    def buys(strategy: Any, bar: int) -> None:
        if bar == 1:
            strategy.buy(size=1000)

    hard = {"initial": 2.0, "maintenance": 1.5}
    result, _ = played(buys, by_hand([100, 100, 10, 10]), margin=hard)
    assert (result.equity[-1], result.metrics["total_orders"]) == (10_000, 1)


def test_a_position_may_always_be_made_smaller(played: Any) -> None:
    def closes(strategy: Any, bar: int) -> None:
        if bar == 1:
            strategy.sell(size=1900)
        if bar == 3:
            strategy.buy(size=900)

    result, strategy = played(closes, by_hand([100, 100, 110, 110, 110]), margin=MARGIN)
    assert strategy.getposition().size == -1000
    assert result.metrics["total_orders"] == 2


def test_a_call_takes_the_place_of_the_strategys_own_orders(played: Any) -> None:
    """A stop from before and a close on the same bar would buy a second time."""

    def guarded(strategy: Any, bar: int) -> None:
        if bar == 1:
            strategy.sell(size=1000)
        if bar == 2:
            strategy.buy(size=1000, exectype=bt.Order.Stop, price=170)
        if bar == 3:
            strategy.close()

    result, strategy = played(
        guarded, by_hand([100, 100, 160, 180, 180], [100, 100, 150, 165, 180]), margin=MARGIN
    )
    assert strategy.getposition().size == 0
    assert result.equity[-1] == 35_000
    statuses = [(status, reason) for _, status, _, _, reason in strategy.seen]
    assert statuses.count(("Canceled", "")) == 2
    assert statuses.count(("Completed", "margin call")) == 1


def test_both_loops_agree_to_the_bit(played: Any) -> None:
    """Random orders on two symbols, many of them beyond the margin."""
    prices = [wandering("A", 3, 300), wandering("B", 4, 300, 20)]
    calls = 0
    for seed in range(12):

        def act(strategy: Any, bar: int, seed: int = seed) -> None:
            draw = random.Random(seed * 1000 + bar)
            data = strategy.datas[draw.randrange(2)]
            if draw.random() < 0.3 and len(data):
                deal = strategy.buy if draw.random() < 0.3 else strategy.sell
                price = data.close[0] * draw.choice([0.98, 1.02])
                deal(data, size=draw.choice([100, 700, 1500]), price=price,
                     exectype=draw.choice([bt.Order.Market, bt.Order.Limit, bt.Order.Stop]))  # fmt: skip

        config = {"margin": MARGIN, "commission": {"percent": 0.001}, "slippage": 0.001}
        (ours, fast), (theirs, stock) = (
            played(act, *prices, stock=stock, **config) for stock in (False, True)
        )
        assert fast.seen == stock.seen
        assert (ours.equity, ours.trades) == (theirs.equity, theirs.trades)
        assert ours.metrics["engine_metrics"]["loop"] == "fast"
        calls += int(ours.metrics["engine_metrics"].get("margin_calls", 0))
    assert calls >= 3
