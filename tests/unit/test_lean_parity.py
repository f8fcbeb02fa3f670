"""Algorithms of LEAN's own tests, by our API on their data, end where its engine ends: to the cent."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.feed import ArrayFeed, time_numbers
from strategies.base_strategy import BaseStrategy
from strategies.lean_broker import LeanBroker
from strategies.lean_rules import equity_fee, target_quantity
from tests.unit.lean_data import FOLDER, daily, golden


class BasicTemplateDailyAlgorithm(BaseStrategy):
    def initialize(self) -> None:
        self.set_start_date(2013, 10, 8)
        self.set_cash(100000)
        self.spy = self.add_equity("SPY").symbol

    def on_data(self, data: Any) -> None:
        if not self.portfolio.invested:
            self.set_holdings(self.spy, 1)


class HistoryAuxiliaryDataRegressionAlgorithm(BaseStrategy):
    def on_data(self, data: Any) -> None:
        if not self.portfolio.invested:
            self.set_holdings("AAPL", 1)


class MarginRemainingRegressionAlgorithm(BaseStrategy):
    def initialize(self) -> None:
        self.spy = self.add_equity("SPY").symbol
        self.aapl = self.add_equity("AAPL")

    def on_data(self, data: Any) -> None:
        if not self.portfolio.invested:
            self.set_holdings(self.spy, 0.7)
        if self.utc_time.year == 2009 and not self.aapl.invested:
            self.set_holdings(self.aapl.symbol, 0.3)


class DisplacedMovingAverageRibbon(BaseStrategy):
    """As LEAN's computes: by the way its averages are registered, prices are delayed and not averages."""

    def initialize(self) -> None:
        self.set_warm_up(30)

    def on_data(self, data: Any) -> None:
        values = [self.data.close[-5 * x] for x in range(1, 7)]
        quantity = self.portfolio["SPY"].quantity
        if quantity <= 0 and values == sorted(values, reverse=True):
            self.set_holdings("SPY", 1.0)
        elif quantity > 0 and values == sorted(values):
            self.liquidate("SPY")


class StopLimitOrderRegressionAlgorithm(BaseStrategy):
    def initialize(self) -> None:
        self.fast, self.slow = self.ema("SPY", 30), self.ema("SPY", 60)
        self.bought: Any = None
        self.sold: Any = None

    def on_data(self, data: Any) -> None:
        spy = self.securities["SPY"]
        fast, slow = self.fast.current.value, self.slow.current.value
        if self.bought is None:
            if fast > slow * 1.001:
                self.bought = self.stop_limit_order("SPY", 100, spy.high * 1.10, spy.high * 1.11)
        elif self.bought.status == 3 and self.sold is None and fast < slow * 1.001:
            self.sold = self.stop_limit_order("SPY", -100, spy.low * 0.99, spy.low * 0.98)


ALGORITHMS: list[Any] = [
    BasicTemplateDailyAlgorithm,
    HistoryAuxiliaryDataRegressionAlgorithm,
    MarginRemainingRegressionAlgorithm,
    DisplacedMovingAverageRibbon,
    StopLimitOrderRegressionAlgorithm,
]


@pytest.mark.skipif(not golden(), reason=f"LEAN's sample data is not in {FOLDER.name} beside the project")
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda one: one.__name__)
def test_ends_where_lean_ends(algorithm: Any) -> None:
    expected = golden()[algorithm.__name__]
    cerebro = bt.Cerebro(stdstats=False)
    broker: Any = LeanBroker
    cerebro.broker = broker(cash=100_000.0)
    for equity in expected["equities"]:
        series = daily(equity["ticker"], _date(expected["start"]), _date(expected["end"]))
        cerebro.adddata(ArrayFeed(series=series, numbers=time_numbers(series.epochs)), name=equity["ticker"])
    cerebro.addstrategy(algorithm)
    (strategy,) = cerebro.run()
    statistics = expected["expected_statistics"]
    assert cents(strategy.portfolio.value) == cents(statistics["End Equity"])
    assert cents(strategy.portfolio.total_fees) == cents(statistics["Total Fees"].lstrip("$"))
    assert len(strategy.transactions.tickets) == int(statistics["Total Orders"])


def _date(parts: list[str]) -> dt.date:
    year, month, day = parts[0].split(",")
    return dt.date(int(year), int(month), int(day))


def cents(amount: float | str) -> Decimal:
    """Rounded as LEAN's reports are; the ninth decimal is noise of binary fractions."""
    return Decimal(f"{float(amount):.9f}").quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_fees_by_hand() -> None:
    # 1 share at 50: the least fee; 697: half a cent each; 1000 at 0.2: 0.5 % of 200 is 1; none for none.
    assert [equity_fee(*fill) for fill in ((1, 50), (-697, 143.37), (1000, 0.2), (0, 9))] == [1, 3.485, 1, 0]


def test_quantities_by_hand() -> None:
    # 99,750 buy 997 at 100; with the fee of 4.985 taken off first still 997.
    assert target_quantity(100_000, 0, 100, 1.0, lean=True) == 997
    assert target_quantity(100_000, 0, 100, 1.0, lean=False) == 1_000
    # At 99.75 the fee of 5 decides: (100,000 - 5) * 0.9975 buys 999.95 shares.
    assert target_quantity(100_000, 0, 99.75, 1.0, lean=True) == 999
    # From 997 down to a half: 498.75 less 997, cut towards zero; an order under 0.1 % is none.
    assert target_quantity(100_000, 997, 100, 0.5, lean=True) == -498
    assert target_quantity(100_000, 997, 100, 0.9999, lean=True) == 0
    assert target_quantity(100_000, 997, 100, 0.0, lean=True) == -997
    assert target_quantity(100_000, 0, 0.0, 1.0, lean=True) == 0
