"""Futures by hand: multiplier, margin and fees a contract, marked to market as Backtrader does by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.backtrader.feed import ArrayFeed, time_numbers
from runners.engines.base import Commission, Point, PointFailure, PointResult
from strategies.base_strategy import BaseStrategy
from strategies.contracts import SHARE, Contract
from strategies.registry import RegisteredStrategy
from strategies.shares import whole
from tests.unit.price_samples import by_hand, settings_for, wandering

FUTURE = {"X": {"multiplier": 50, "margin": 5000, "tick": 0.25}}
FEES = {"percent": 0.001, "per_share": 0, "minimum": 0, "per_contract": 2.25}
Played = tuple[PointResult | PointFailure, Any]


class Scripted(BaseStrategy):
    script: Any

    def __init__(self) -> None:
        self.bars = 0

    def next(self) -> None:
        self.bars += 1
        type(self).script(self, self.bars)


@pytest.fixture(params=["stock", "fast"])
def played(request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(script: Any, *series: Any, **config: Any) -> Played:
        seen = []

        def watched(strategy: Any, bar: int) -> None:
            seen.append(strategy)
            script(strategy, bar)

        kind: Any = type("Scripted", (Scripted,), {"script": staticmethod(watched)})
        entry = RegisteredStrategy("scripted", kind, __name__, Path(__file__), Path(__file__).parent)
        monkeypatch.setattr("runners.engines.backtrader.engine.resolve", lambda _: entry)
        stock = request.param == "stock"
        settings = settings_for("scripted", series, stock=stock, **config)
        (found,) = BacktraderEngine().run(settings, series, [Point(1, {})], lambda _: None)
        return found, seen[-1]

    return run


def buys_and_sells(strategy: Any, bar: int) -> None:
    if bar == 1:
        strategy.buy(size=2)
    if bar == 3:
        strategy.sell(size=2)


def test_a_future_is_marked_to_market(played: Any) -> None:
    """2 contracts at 100, each 50 a point: bought for 4.50 of fees, 10,000 held as margin; 3 points up are
    300, 5 points down are 500 from there; sold at 98: 200 lost, 4.50 of fees again."""
    closes = [100, 103, 98, 98]
    found, strategy = played(
        buys_and_sells, by_hand(closes, [100, 100, 103, 98]), contracts=FUTURE, commission=FEES
    )
    assert isinstance(found, PointResult), found
    assert found.equity == pytest.approx([100_000, 100_295.5, 99_795.5, 99_791], abs=1e-9)
    (trade,) = found.trades
    assert (trade.size, trade.entry_price, trade.exit_price) == (2, 100, 98)
    assert (trade.profit, trade.fees) == pytest.approx((-209.0, 9.0))
    assert found.metrics["traded_value"] == 2 * 50 * 100 + 2 * 50 * 98
    assert found.metrics["total_fees"] == 9.0
    assert strategy.broker.getcash() == pytest.approx(99_791)


def test_what_is_open_is_worth_its_multiplier(played: Any) -> None:
    def holds(strategy: Any, bar: int) -> None:
        if bar == 1:
            strategy.sell(size=3)

    found, strategy = played(holds, by_hand([100, 100, 90]), contracts=FUTURE)
    (position,) = found.metrics["open_positions"]
    assert (position["size"], position["profit"]) == (-3, 1500)
    assert found.equity[-1] == 101_500
    assert strategy.portfolio["X"].holdings_value == -3 * 90 * 50
    assert strategy.portfolio["X"].unrealized_profit == 1500


def test_a_position_needs_its_margin(played: Any) -> None:
    def wants(strategy: Any, bar: int) -> None:
        if bar == 1:
            strategy.buy(size=21)

    found, _ = played(wants, by_hand([100, 100, 100]), contracts=FUTURE)
    assert (found.metrics["total_orders"], found.metrics["refused_for_cash"]) == (0, 1)


def test_sizes_go_by_what_a_contract_stands_for(played: Any) -> None:
    """95,000 of 100,000 are 19 contracts of 5,000 (100 x 50); by risk 1,000 are 4 at a stop 5 points below;
    and never more than margin pays for."""
    sizes = []

    def asks(strategy: Any, bar: int) -> None:
        sizes.append(strategy.calculate_position_size(100.0))
        sizes.append(strategy.calculate_position_size(100.0, "risk", stop_price=95.0))
        sizes.append(strategy.calculate_position_size(1.0))

    played(asks, by_hand([100]), contracts=FUTURE)
    assert sizes == [19, 4, 19]


def test_backtrader_by_itself_says_the_same(played: Any) -> None:
    series = wandering("X", 7, 200)

    def trades(strategy: Any, bar: int) -> None:
        if bar % 9 == 1:
            strategy.order_target_size(target=(bar // 9 % 5) - 2)

    class Plain(bt.Strategy):
        def __init__(self) -> None:
            self.bars = 0
            self.values: list[float] = []

        def next(self) -> None:
            self.bars += 1
            self.values.append(self.broker.getvalue())
            trades(self, self.bars)

    found, _ = played(trades, series, contracts=FUTURE, commission=FEES)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.set_cash(100_000)
    cerebro.broker.setcommission(commission=2.25, margin=5000, mult=50)
    cerebro.adddata(ArrayFeed(series=series, numbers=time_numbers(series.epochs)))
    cerebro.addstrategy(Plain)
    (plain,) = cerebro.run()
    assert found.equity == pytest.approx(plain.values, rel=1e-12)
    assert found.metrics["total_orders"] > 10


def test_shares_and_contracts_in_one_account(played: Any) -> None:
    """Shares pay a share of their value, contracts by the piece."""

    def both(strategy: Any, bar: int) -> None:
        if bar == 1:
            strategy.buy(strategy.datas[0], size=1)
            strategy.buy(strategy.datas[1], size=10)

    found, _ = played(
        both, by_hand([100, 100, 101]), by_hand([10, 10, 11], symbol="Y"), contracts=FUTURE, commission=FEES
    )
    assert found.metrics["total_fees"] == pytest.approx(2.25 + 0.1)
    assert found.equity[-1] == pytest.approx(100_000 + 50 + 10 - 2.35)


def test_a_strategy_that_writes_into_the_account_is_found(played: Any) -> None:
    def cheats(strategy: Any, bar: int) -> None:
        if bar == 1:
            strategy.buy(size=2)
        if bar == 2:
            strategy.broker.cash += 1000

    found, _ = played(cheats, by_hand([100, 103, 98, 98]), contracts=FUTURE)
    assert isinstance(found, PointFailure)
    assert "the strategy wrote into it" in found.error


def test_own_terms_beside_the_instruments_are_noted_or_refused(played: Any) -> None:
    def other(strategy: Any, bar: int) -> None:
        strategy.broker.setcommission(commission=2.25, margin=100, mult=1, name="X")

    found, _ = played(other, by_hand([100, 100]), contracts=FUTURE, commission=FEES)
    assert any("contract terms" in name for name in found.metrics["engine_metrics"])
    found, _ = played(other, by_hand([100, 100]), contracts=FUTURE, commission=FEES | {"per_contract": 1.0})
    assert "write commission: {per_contract: 2.25}" in found.error


@pytest.mark.parametrize(
    ("contract", "size", "fee"),
    [
        (Contract(multiplier=50, margin=5000), 2, 4.5),
        (SHARE, 2, 0.2),
        (Contract(lot=100), -2, 0.2),
    ],
)
def test_who_pays_by_the_piece(contract: Contract, size: float, fee: float) -> None:
    assert Commission(percent=0.001, per_contract=2.25).fee(size, 100.0, contract) == pytest.approx(fee)


def test_without_a_fee_by_the_piece_a_share_of_what_it_stands_for() -> None:
    assert Commission(percent=0.001).fee(2, 100.0, Contract(multiplier=50, margin=5000)) == pytest.approx(
        10.0
    )


@pytest.mark.parametrize(
    ("lot", "wanted", "sized"),
    [
        (100, 250, 200),
        (0.001, 0.0037, 0.003),
        (0.1, 0.3, 0.3),
        (None, 2.9, 2),
        (100, -250, -200),
        (100, 99, 0),
    ],
)
def test_orders_are_whole_lots(lot: float | None, wanted: float, sized: float) -> None:
    feed = type("Feed", (), {"contract": Contract(lot=lot)})()
    assert whole(wanted, feed) == sized


def test_prices_stand_on_ticks() -> None:
    assert Contract(tick=0.25).rounded(100.37) == 100.25
    assert Contract(tick=0.1).rounded(0.30000000000000004) == 0.3
    assert SHARE.rounded(100.37) == 100.37


def test_a_target_share_of_the_portfolio_is_of_what_contracts_stand_for(played: Any) -> None:
    """Half of 100,000 at 100 a point of 50: 10 contracts."""
    wanted = []
    played(
        lambda strategy, bar: wanted.append(strategy.calculate_order_quantity("X", 0.5)),
        by_hand([100]),
        contracts=FUTURE,
    )
    assert wanted == [10]
