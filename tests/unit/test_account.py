"""The account is the config's: what a strategy does to it is refused, or said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import Point, PointFailure, PointResult, RunSettings
from strategies.registry import RegisteredStrategy
from tests.unit.price_samples import by_hand, settings_for

CLOSES = [10.0, 11.0, 12.0, 11.0, 12.0, 13.0, 14.0, 13.0]
BY_LOOP = pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])


class Touching(bt.Strategy):
    """Buys 100 on the second bar and sells them on the fifth; `touch` is done once, on bar `at` or before."""

    touch: Callable[[Any], None] | None = None
    at = 0

    def __init__(self) -> None:
        self.bars = 0
        if self.at == 0:
            self._touch()

    def _touch(self) -> None:
        if (touch := type(self).touch) is not None:
            touch(self)

    def next(self) -> None:
        self.bars += 1
        if self.bars == self.at:
            self._touch()
        if self.bars == 2:
            self.buy(size=100)
        if self.bars == 5:
            self.close()


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Callable[..., PointResult | PointFailure]:
    def run(
        touch: Callable[[Any], None] | None, *, stock: bool, at: int = 0, **config: Any
    ) -> PointResult | PointFailure:
        strategy = type("Touching", (Touching,), {"touch": touch and staticmethod(touch), "at": at})
        here = Path(__file__)
        entry = RegisteredStrategy("touching", strategy, __name__, here, here.parent)
        monkeypatch.setattr("runners.engines.backtrader.engine.resolve", lambda _: entry)
        series = [by_hand(CLOSES)]
        settings: RunSettings = settings_for("touching", series, stock=stock, **config)
        (found,) = BacktraderEngine().run(settings, series, [Point(1, {})], lambda _: None)
        return found

    return run


def comminfo(**values: Any) -> bt.CommInfoBase:
    return bt.CommissionInfo(**values)


class FreeLunch(bt.CommInfoBase):
    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_FIXED))

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        return 0.0 if abs(size) < 5000 else 1.0


REFUSED: dict[str, tuple[Callable[[Any], None], str]] = {
    "setcash": (lambda s: s.broker.setcash(1e6), "write cash: 1000000 there"),
    "set_cash": (lambda s: s.broker.set_cash(5), "has cash: 100000; write cash: 5 there"),
    "add_cash": (lambda s: s.broker.add_cash(1000), "add_cash(1000) is a deposit"),
    "free": (lambda s: s.broker.setcommission(commission=0.0), "write commission: {percent: 0} in"),
    "dearer": (lambda s: s.broker.setcommission(0.02), "charges 0.02 for 1 at 1 where the config's"),
    "a fixed fee": (
        lambda s: s.broker.setcommission(commission=2.0, margin=2000.0, mult=10.0),
        "write commission: {per_share: 2} in the config",
    ),
    "of one symbol": (lambda s: s.broker.setcommission(commission=0.0, name="X"), "charges 0 for"),
    "own scheme": (lambda s: s.broker.addcommissioninfo(FreeLunch()), "{percent: ..., per_share: "),
    "slippage": (lambda s: s.broker.set_slippage_perc(0.01), "set_slippage_perc(0.01) contradicts"),
    "no slippage": (lambda s: s.broker.set_slippage_perc(0.0), "has slippage: 0.002"),
    "kinder slippage": (
        lambda s: s.broker.set_slippage_perc(0.002, slip_open=False), "write slippage there"
    ),
    "points": (lambda s: s.broker.set_slippage_fixed(0.1), "set_slippage_fixed(0.1) contradicts"),
    "history": (
        lambda s: s.broker.add_order_history([["2020-01-03", 1, 1.0]]), "at the strategy's own figures"
    ),
    "funds": (lambda s: s.broker.set_fund_history([["2020-01-03", 1, 1.0]]), "set_fund_history()"),
    "own price": (
        lambda s: s.buy(size=1, price=1.0, exectype=bt.Order.Historical), "exectype Historical"
    ),
    "cash itself": (lambda s: setattr(s.broker, "cash", 1e6), "of cash where its fills leave 100,075.0"),
    "value of a parameter": (lambda s: setattr(s.broker.p, "slip_perc", 0.0), "changed the broker's"),
    "fees of a parameter": (
        lambda s: s.broker.comminfo.update({None: comminfo(commission=0.0)}), "charges 0 for 1 at 1"
    ),
    "another broker": (lambda s: s.cerebro.setbroker(bt.brokers.BackBroker()), "put another broker in place"),
    "shares": (lambda s: setattr(s.getposition(), "size", 50.0), "where its fills leave"),
}  # fmt: skip


@BY_LOOP
@pytest.mark.parametrize("what", REFUSED)
def test_what_contradicts_the_config_is_refused_with_what_to_write(
    outcome: Callable[..., PointResult | PointFailure], what: str, stock: bool
) -> None:
    touch, said = REFUSED[what]
    failure = outcome(touch, at=3, stock=stock, commission={"percent": 0.01}, slippage=0.002)
    assert isinstance(failure, PointFailure)
    assert failure.kind == "strategy"
    assert "AccountError: " in failure.error
    assert said in failure.error


@BY_LOOP
@pytest.mark.parametrize("at", [0, 8], ids=["before the first bar", "on the last bar"])
def test_cash_is_the_configs_whenever_it_is_set(
    outcome: Callable[..., PointResult | PointFailure], at: int, stock: bool
) -> None:
    failure = outcome(lambda s: s.broker.setcash(1e6), at=at, stock=stock)
    assert isinstance(failure, PointFailure)
    assert "cash: 100000" in failure.error


@BY_LOOP
def test_saying_what_the_config_says_changes_nothing(
    outcome: Callable[..., PointResult | PointFailure], stock: bool
) -> None:
    def same(strategy: Any) -> None:
        strategy.broker.setcash(100_000)
        strategy.broker.setcommission(commission=0.01)
        strategy.broker.set_slippage_perc(0.002)

    config = {"stock": stock, "commission": {"percent": 0.01}, "slippage": 0.002}
    told, silent = outcome(same, **config), outcome(None, **config)
    assert isinstance(told, PointResult)
    assert isinstance(silent, PointResult)
    assert (told.equity, told.trades) == (silent.equity, silent.trades)
    assert told.metrics["engine_metrics"] == silent.metrics["engine_metrics"]
    # Bought at 12 and sold at 13, which these bars of one price leave no room to slip from: 100 x 25 x 1 %.
    assert told.metrics["total_fees"] == pytest.approx(25.0)


SAID: dict[str, tuple[Callable[[Any], None], str]] = {
    "coc": (lambda s: s.broker.set_coc(True), "fills at prices already seen: cheat-on-close"),
    "coo": (lambda s: s.broker.set_coo(True), "fills at prices already seen: cheat-on-open"),
    "coc and back": (
        lambda s: (s.broker.set_coc(True), s.broker.set_coc(False))[0],
        "fills at prices already seen: cheat-on-close",
    ),
    "parameter": (lambda s: setattr(s.broker.p, "coc", True), "fills at prices already seen: cheat-on-close"),
    "next_open": (
        lambda s: setattr(s.cerebro.p, "cheat_on_open", True), "fills at prices already seen: cheat-on-open"
    ),
    "timer": (
        lambda s: s.add_timer(when=bt.timer.SESSION_START, cheat=True),
        "fills at prices already seen: timers that cheat",
    ),
    "filler": (
        lambda s: s.broker.set_filler(bt.broker.fillers.FixedSize(size=7)),
        "broker's rules by the strategy: filler FixedSize",
    ),
    "contract": (
        lambda s: s.broker.setcommission(commission=0.01, commtype=0, margin=1.0, mult=2.0, stocklike=False),
        "broker's rules by the strategy: contract terms (margin, mult)",
    ),
    "credit": (
        lambda s: (s.broker.set_shortcash(False), s.broker.set_checksubmit(False))[0],
        "broker's rules by the strategy: set_shortcash(False), set_checksubmit(False)",
    ),
}  # fmt: skip


@BY_LOOP
@pytest.mark.parametrize("what", SAID)
def test_what_no_key_decides_is_obeyed_and_said(
    outcome: Callable[..., PointResult | PointFailure], what: str, stock: bool
) -> None:
    touch, flag = SAID[what]
    result = outcome(touch, stock=stock, commission={"percent": 0.01})
    assert isinstance(result, PointResult), result
    found = result.metrics["engine_metrics"]
    assert isinstance(found, dict)
    assert [name for name in found if name.startswith("flag ")] == [f"flag {flag}"]


def test_a_fill_at_the_close_that_was_seen_is_the_one_that_is_said(
    outcome: Callable[..., PointResult | PointFailure],
) -> None:
    """Decided on the close of 11, filled at it and not at the next open of 12."""
    result = outcome(lambda s: s.broker.set_coc(True), stock=False)
    assert isinstance(result, PointResult)
    assert result.trades[0].entry_price == 11.0
