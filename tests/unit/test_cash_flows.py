"""Deposits and withdrawals are no returns: by hand, and both loops to the bit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.cash_flows import time_weighted
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult
from strategies.registry import RegisteredStrategy
from tests.unit.price_samples import by_hand, settings_for, wandering

BY_LOOP = pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])
# From Wednesday the first of January 2020 on; a new week begins with the sixth bar.
CLOSES = [10.0, 10.0, 10.0, 11.0, 12.0, 13.0, 14.0, 7.0]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(act: Any, *series: AdjustedPrices, **config: Any) -> PointResult:
        class Acting(bt.Strategy):
            def next(self) -> None:
                act(self, len(self))

        here = Path(__file__)
        entry = RegisteredStrategy("acting", Acting, __name__, here, here.parent)
        monkeypatch.setattr("runners.engines.backtrader.engine.resolve", lambda _: entry)
        settings = settings_for("acting", series, **config)
        (found,) = BacktraderEngine().run(settings, series, [Point(1, {})], lambda _: None)
        assert isinstance(found, PointResult), found
        return found

    return run


def holds(strategy: Any, bar: int) -> None:
    if bar == 1:
        strategy.buy(size=5000)


@BY_LOOP
def test_what_is_paid_in_at_a_close_earns_from_then_on(played: Any, stock: bool) -> None:
    """5,000 shares at 10 and 50,000 of cash: 100,000, 105,000, 110,000, then 115,000 and 1,000 more, 121,000
    and 86,000. What 100,000 alone became: 115,000, of which the next bars make 121/116 and 86/121."""
    result = played(holds, by_hand(CLOSES), stock=stock, cash_flows={"amount": 1000, "every": "week"})
    assert result.equity[:6] == pytest.approx([100_000] * 3 + [105_000, 110_000, 115_000], rel=1e-15)
    assert result.equity[6:] == pytest.approx([115_000 * 121 / 116, 115_000 * 86 / 116], rel=1e-15)
    assert result.metrics["ending_value"] == result.equity[-1]
    assert (result.metrics["net_flows"], result.metrics["earned"]) == (1000, 86_000 - 100_000 - 1000)
    assert result.metrics["max_drawdown"] == pytest.approx(1 - 86 / 121)


@BY_LOOP
@pytest.mark.parametrize("bar", [1, 4, 7])
def test_a_strategy_may_pay_in_where_the_config_says_so(played: Any, bar: int, stock: bool) -> None:
    """It counts from the next bar's close on, as in Backtrader."""

    def pays(strategy: Any, now: int) -> None:
        holds(strategy, now)
        if now == bar:
            strategy.broker.add_cash(20_000)

    result = played(pays, by_hand(CLOSES), stock=stock, cash_flows={"by_strategy": True})
    values = [50_000 + 5000 * close for close in CLOSES]
    paid = [20_000.0 if step >= bar else 0.0 for step in range(len(values))]
    unit = 100_000.0
    for step in range(1, len(values)):
        unit *= (values[step] + paid[step - 1]) / (values[step - 1] + paid[step - 1])
    assert result.metrics["ending_value"] == pytest.approx(unit, rel=1e-12)
    assert (result.metrics["net_flows"], result.metrics["earned"]) == (20_000, -15_000)


@BY_LOOP
@pytest.mark.parametrize("amount", [50_000.0, -20_000.0])
def test_cash_that_lies_idle_earns_nothing_whatever_flows(played: Any, amount: float, stock: bool) -> None:
    flows = {"amount": amount, "every": "week"}
    prices = by_hand([10.0] * 30)
    result = played(lambda *_: None, prices, stock=stock, cash_flows=flows)
    assert set(result.equity) == {100_000.0}
    assert (result.metrics["net_flows"], result.metrics["earned"]) == (4 * amount, 0)


@pytest.mark.parametrize(("every", "times"), [("week", 10), ("month", 2), ("quarter", 0), ("year", 0)])
def test_flows_come_with_each_new_period_after_the_warm_up(played: Any, every: str, times: int) -> None:
    """90 days from the first of January 2020 on; the window begins on Tuesday the 21st."""
    prices = by_hand([10.0] * 90)
    config = {"start_date": "2020-01-21", "warm_up_bars": 20, "stock": False}
    result = played(lambda *_: None, prices, cash_flows={"amount": 1.0, "every": every}, **config)
    assert result.metrics["net_flows"] == times
    assert len(result.equity) == 70


def test_an_account_that_is_lost_earns_no_more() -> None:
    assert list(time_weighted([50.0, -10.0, 90.0, 120.0], {2: 100.0}, 100.0)) == [50.0, -10.0, -10.0, -10.0]
    assert list(time_weighted([0.0, 80.0, 40.0], {0: -100.0, 1: 80.0}, 100.0)) == [100.0, 100.0, 50.0]


def test_both_loops_agree_to_the_bit(played: Any) -> None:
    prices = [wandering("A", 3, 200), wandering("B", 4, 200, 20)]
    for seed in range(8):

        def act(strategy: Any, bar: int, seed: int = seed) -> None:
            draw = random.Random(seed * 1000 + bar)
            data = strategy.datas[draw.randrange(2)]
            if draw.random() < 0.2 and len(data):
                (strategy.buy if draw.random() < 0.6 else strategy.sell)(data, size=draw.choice([10, 300]))
            if draw.random() < 0.1:
                strategy.broker.add_cash(draw.choice([5000.0, -300.5]))

        flows = {"amount": 250.25, "every": "month"} if seed % 2 else {}
        config = {
            "cash_flows": {**flows, "by_strategy": True},
            "commission": {"percent": 0.001},
            "margin": {"initial": 0.5, "maintenance": 0.3} if seed % 4 > 1 else None,
        }
        fast, stock = (played(act, *prices, stock=stock, **config) for stock in (False, True))
        assert (fast.equity, fast.trades) == (stock.equity, stock.trades)
        assert fast.metrics["earned"] == stock.metrics["earned"]
        assert fast.metrics["engine_metrics"]["loop"] == "fast"
        assert fast.metrics["net_flows"] != 0
