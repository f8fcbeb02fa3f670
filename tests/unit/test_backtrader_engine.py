"""The engine gives what Backtrader gives, to the bit."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader import engine
from runners.engines.backtrader.engine import BacktraderEngine, seed_generators
from runners.engines.base import (
    AdjustedPrices,
    Commission,
    Point,
    PointFailure,
    PointResult,
    RunSettings,
    SettingsError,
)
from strategies.registry import resolve
from tests.unit.plain_backtrader import naive_metrics, run_plainly
from tests.unit.price_samples import by_hand, real, settings_for, wandering

STRATEGIES: dict[str, dict[str, object]] = {
    "rsi_mean_reversion": {"rsi_period": 7, "entry_threshold": 35, "exit_threshold": 52.5},
    "bollinger_reversion": {"period": 15, "deviations": 1.5},
    "sma_crossover": {"fast": 5, "slow": 20},
}
PRICES = {
    "real, one symbol": [real("GOOG", 700)],
    "real, three symbols": [real("GOOG", 500), real("AAPL", 700), real("IBM", 600)],
    "random, one symbol": [wandering("A", 1, 500)],
    "random, three symbols": [wandering("A", 1, 500), wandering("B", 2, 500, 40), wandering("C", 3, 400)],
}


def outcomes(
    settings: RunSettings, prices: Sequence[AdjustedPrices], *parameters: Mapping[str, object]
) -> list[PointResult | PointFailure]:
    points = [Point(ordinal, values) for ordinal, values in enumerate(parameters, start=1)]
    return list(BacktraderEngine().run(settings, prices, points, lambda _: None))


def result(
    settings: RunSettings, prices: Sequence[AdjustedPrices], parameters: Mapping[str, object]
) -> PointResult:
    (outcome,) = outcomes(settings, prices, parameters)
    assert isinstance(outcome, PointResult), outcome
    return outcome


def open_at_the_end(ours: PointResult) -> list[Any]:
    still = ours.metrics["open_positions"]
    assert isinstance(still, list)
    return still


def earned(ours: PointResult) -> float:
    """By closed trades and by what is open, after fees."""
    still = (one["profit"] - one["fees"] for one in open_at_the_end(ours))
    return math.fsum((*(trade.profit for trade in ours.trades), *still))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("prices", PRICES)
@pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])
def test_equals_backtrader_run_directly_to_the_bit(strategy: str, prices: str, stock: bool) -> None:
    series, parameters = PRICES[prices], STRATEGIES[strategy]
    slippage = 0.0005 if prices.startswith("random") else 0
    settings = settings_for(
        strategy,
        series,
        commission={"percent": 0.001, "per_share": 0, "minimum": 0},
        slippage=slippage,
        stock=stock,
    )
    ours = result(settings, series, parameters)
    reference = run_plainly(resolve(strategy).strategy, parameters, settings, series)
    assert len(reference.trades) >= 3
    assert ours.trades == reference.trades
    assert ours.sessions == list(reference.values)
    assert ours.equity == list(reference.values.values())
    metrics = dict(ours.metrics)
    assert metrics.pop("bars") == sum(len(one) for one in series)
    duration = metrics.pop("duration")
    assert isinstance(duration, float)
    assert duration > 0
    loop = {"loop": "stock", "why_stock": "asked for"} if stock else {"loop": "fast"}
    assert metrics.pop("engine_metrics") == loop
    still = open_at_the_end(ours)
    del metrics["open_positions"]
    held = sorted((one["symbol"], one["size"], one["last_close"]) for one in still)
    assert held == sorted(reference.held_at_the_end)
    assert earned(ours) == pytest.approx(ours.equity[-1] - settings.cash, abs=1e-9 * settings.cash)
    assert metrics == naive_metrics(reference, settings)


def test_a_point_is_the_same_alone_and_after_others() -> None:
    series = [wandering("A", 5, 300)]
    settings = settings_for("sma_crossover", series)
    points = [{"fast": 3, "slow": 9}, {"fast": 5, "slow": 20}, {"fast": 3, "slow": 9}]
    first, _, third = outcomes(settings, series, *points)
    alone = result(settings, series, points[0])
    for outcome in (first, third, alone):
        assert isinstance(outcome, PointResult)
        assert outcome.equity == alone.equity
        assert outcome.trades == alone.trades


@pytest.mark.parametrize(
    ("commission", "size", "price", "fee"),
    [
        (Commission(percent=0.001), 100, 50.0, 5.0),
        (Commission(percent=0.001), -100, 50.0, 5.0),
        (Commission(per_share=0.005, minimum=1.0), 100, 50.0, 1.0),
        (Commission(per_share=0.005, minimum=1.0), 1000, 50.0, 5.0),
        (Commission(percent=0.01, per_share=0.5), 10, 20.0, 7.0),
        (Commission(minimum=1.0), 0, 50.0, 0.0),
    ],
)
def test_commission_by_hand(commission: Commission, size: int, price: float, fee: float) -> None:
    from runners.engines.backtrader.commission import DeskCommission

    assert DeskCommission(charges=commission).getcommission(size, price) == pytest.approx(fee, abs=1e-12)


def test_a_strategy_that_fails_costs_its_own_point_only() -> None:
    series = [by_hand([10, 11, 12, 11, 10, 9, 8, 9, 10, 11])]
    settings = settings_for("sma_crossover", series)
    bad, unknown, too_long, good = outcomes(
        settings, series, {"fast": 2.5}, {"speed": 1}, {"fast": 2, "slow": 30}, {"fast": 2, "slow": 3}
    )
    assert isinstance(good, PointResult)
    for failure, text in (
        (bad, "expected integer, received 2.5"),
        (unknown, "unknown parameter 'speed'; known are: position_share, enable_risk_manager, "),
        (too_long, "an indicator needs more bars than the 10 in the run's window"),
    ):
        assert isinstance(failure, PointFailure)
        assert failure.kind == "strategy"
        assert text in failure.error
        assert len(failure.error) <= 4000
        assert "/site-packages/" not in failure.error


class Greedy(bt.Strategy):
    """Asks for too much: at once, as a bracket, and by a hair, when the next bar opens higher."""

    def next(self) -> None:
        match len(self):
            case 1:
                self.buy(size=1_000_000)
            case 2:
                self.buy_bracket(size=1_000_000, exectype=bt.Order.Market, stopprice=9.0, limitprice=99.0)
            case 3:
                self.buy(size=10)


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])
def test_refused_orders_are_counted_by_reason(stock: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    series = [by_hand([10.0] * 6, opens=[10.0, 10.0, 10.0, 11.0, 10.0, 10.0])]
    monkeypatch.setattr(engine, "resolve", lambda _: SimpleNamespace(strategy=Greedy, parameters=()))
    metrics = result(settings_for("greedy", series, cash=100.0, stock=stock), series, {}).metrics
    why = {"loop": "stock", "why_stock": "asked for"} if stock else {"loop": "fast"}
    assert metrics["engine_metrics"] == why
    # Three for lack of cash; a bracket's stop and limit go with what they were to guard.
    assert (metrics["total_orders"], metrics["refused_for_cash"], metrics["refused_otherwise"]) == (0, 3, 2)


class InParts(bt.Strategy):
    """Buys 10, sells 4, buys 2, and turns to a short of 5, of which 2 are bought back."""

    def next(self) -> None:
        size = {1: 10, 2: -4, 3: 2, 4: -13, 6: 2}.get(len(self))
        if size:
            (self.buy if size > 0 else self.sell)(size=abs(size))


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])
@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        # Filled on the second bar: 10 at 11. On the third 4 of them are sold at 12.
        (3, ("2020-01-02", 6.0, 10.0, 11.0, "2020-01-03", 12.0, 10.0, 2.0)),
        # Two more at 13: 12 at 11.33 on average.
        (4, ("2020-01-02", 8.0, 12.0, 136 / 12, "2020-01-04", 13.0, 10 * 2 - 4 * 1, 3.0)),
        # Sold at 14, and 5 short there; 2 of them bought back at 16.
        (7, ("2020-01-05", -3.0, -5.0, 14.0, "2020-01-07", 16.0, -10.0, 2.0)),
    ],
)
def test_what_is_open_at_the_end_is_told(
    bars: int, expected: tuple[Any, ...], stock: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    closes = [10.0 + place for place in range(bars)]
    series = [by_hand(closes)]
    monkeypatch.setattr(engine, "resolve", lambda _: SimpleNamespace(strategy=InParts, parameters=()))
    settings = settings_for("in_parts", series, commission={"minimum": 1.0}, stock=stock)
    ours = result(settings, series, {})
    (one,) = open_at_the_end(ours)
    days = [dt.datetime.fromisoformat(one[name]).date().isoformat() for name in ("entry_time", "last_time")]
    found = (days[0], one["size"], one["opened"], one["entry_price"], days[1], one["last_close"])
    assert (*found, one["profit"], one["fees"]) == pytest.approx(expected)
    assert earned(ours) == pytest.approx(ours.equity[-1] - settings.cash, abs=1e-9 * settings.cash)


def test_an_unknown_strategy_is_refused_by_name() -> None:
    series = [by_hand([1, 2, 3])]
    (failure,) = outcomes(settings_for("os.system", series), series, {})
    assert isinstance(failure, PointFailure)
    assert "unknown strategy 'os.system'; this runner has: rsi_mean_reversion" in failure.error


def test_generators_are_seeded_by_the_run_and_the_parameters() -> None:
    drawn = []
    for seed, parameters in ((1, {"a": 1}), (1, {"a": 1}), (2, {"a": 1}), (1, {"a": 2})):
        seed_generators(seed, parameters)
        drawn.append(random.random())
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warp": 9}, "have the unknown 'warp'"),
        ({"cash": "much"}, "setting 'cash' of the run is 'much'"),
        ({"start_date": "yesterday"}, "setting 'start_date' of the run is 'yesterday'"),
        ({"commission": {"flat": 1}}, "setting 'commission' of the run"),
    ],
)
def test_settings_of_another_shape_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings_for("sma_crossover", [by_hand([1, 2])], **changes)


@pytest.mark.parametrize("timeframe", ["", "d", "0d", "5x", "-1d"])
def test_an_unknown_bar_length_is_refused(timeframe: str) -> None:
    series = [by_hand([1, 2, 3])]
    (failure,) = outcomes(settings_for("sma_crossover", series, timeframe=timeframe), series, {})
    assert isinstance(failure, PointFailure)
    assert "expected a number and one of m, h, d, w" in failure.error
