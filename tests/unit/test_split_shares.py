"""What a later split cannot change: fees a share, whole shares and limits count the shares of the day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult, splits_from_json
from runners.prices.adjusted import adjusted, splits_of
from runners.prices.bars import Bar
from runners.prices.series import Factor, PriceSeries
from strategies.base_strategy import BaseStrategy
from strategies.registry import RegisteredStrategy
from strategies.registry import resolve as registered
from strategies.run_context import RunContext, in_run
from strategies.shares import day_shares, whole
from tests.unit.price_samples import FIRST_DAY, settings_for, wandering

FEES = {"percent": 0.0, "per_share": 0.005, "minimum": 1.0}
BY_LOOP = pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])


def day(number: int) -> dt.date:
    return FIRST_DAY + dt.timedelta(days=number)


def split(series: AdjustedPrices, *steps: tuple[int, float]) -> tuple[AdjustedPrices, dict[str, Any]]:
    """The series as it is read once splits came: ordinals of ex-dates (after its end too) with the ratio, 4
    for 4:1; and the `splits` of a run's settings. Raw prices, before and after, are those of `series`."""
    shares = 1.0
    told: list[tuple[str, float]] = []
    for number, ratio in reversed(steps):
        shares /= ratio
        told.append((day(number).isoformat(), shares))
    told.reverse()

    def factor(epoch: int) -> float:
        date = dt.datetime.fromtimestamp(epoch, dt.UTC).date().isoformat()
        return next((factor for until, factor in told if date < until), 1.0)

    factors = [factor(epoch) for epoch in series.epochs]
    prices = [
        [price * factor for price, factor in zip(column, factors, strict=True)]
        for column in (series.open, series.high, series.low, series.close)
    ]
    return AdjustedPrices.from_rows(series.symbol, series.epochs, *prices, series.volume), {
        series.symbol: told
    }


class Held(BaseStrategy):
    """Half of the portfolio, made right on every 20th bar."""

    def next(self) -> None:
        if len(self) % 20 == 5:
            self.set_holdings(self.data, 0.3 + 0.2 * (len(self) % 3))


class Fixed(bt.Strategy):
    def next(self) -> None:
        if len(self) % 20 == 5:
            self.buy(size=28)
        if len(self) % 20 == 15:
            self.close()


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(
        strategy: Any, prices: AdjustedPrices, parameters: dict[str, object] | None = None, **config: Any
    ) -> PointResult:
        here = Path(__file__)

        def resolve(name: str) -> RegisteredStrategy:
            return (
                registered(name)
                if strategy == name
                else RegisteredStrategy("x", strategy, __name__, here, here)
            )

        monkeypatch.setattr("runners.engines.backtrader.engine.resolve", resolve)
        settings = settings_for(strategy if isinstance(strategy, str) else "x", [prices], **config)
        point = Point(1, parameters or {})
        (found,) = BacktraderEngine().run(settings, [prices], [point], lambda _: None)
        assert isinstance(found, PointResult), found
        return found

    return run


@BY_LOOP
@pytest.mark.parametrize(
    ("strategy", "parameters"),
    [
        ("sma_crossover", {"fast": 5, "slow": 20}),
        ("sma_crossover_risk_managed", {"fast": 5, "slow": 20}),
        (Held, {}),
    ],
)
@pytest.mark.parametrize(
    "steps", [[(900, 7.0), (950, 4.0)], [(150, 4.0)], [(900, 0.125)], [(100, 2.0), (900, 1.5)]]
)
def test_a_split_changes_no_fees_and_no_shares(
    played: Any, strategy: Any, parameters: dict[str, object], steps: Any, stock: bool
) -> None:
    """The account of a raw series without splits, and of the same one as it is read after they came.

    Where a split lies within the window, the raw series is the one that goes on as if there had been none.
    """
    raw = wandering("A", 11, 300)
    plain = played(strategy, raw, parameters, commission=FEES, stock=stock)
    assert plain.metrics["total_fees"] > 5
    now, splits = split(raw, *steps)
    later = played(strategy, now, parameters, commission=FEES, stock=stock, splits=splits)
    inside = any(number < 300 for number, _ in steps)
    if inside:
        # From the split on its own shares are counted, so that only what came before it is the same.
        kept = sum(1 for session in plain.sessions if session < day(min(number for number, _ in steps)))
    else:
        kept = len(plain.equity)
        assert later.metrics["total_fees"] == pytest.approx(plain.metrics["total_fees"], rel=1e-9)
        assert len(later.trades) == len(plain.trades)
    assert later.equity[:kept] == pytest.approx(plain.equity[:kept], rel=1e-9)


@BY_LOOP
def test_without_the_splits_of_the_settings_fees_follow_what_came_later(played: Any, stock: bool) -> None:
    """What the desk did before it knew: 28 times the shares, 28 times the fees."""
    raw = wandering("A", 11, 300)
    now, splits = split(raw, (900, 28.0))
    free = {"per_share": 0.005, "minimum": 0, "percent": 0}
    fees = [
        played(Held, now, commission=free, stock=stock, splits=one).metrics["total_fees"]
        for one in ({}, splits)
    ]
    assert fees[0] == pytest.approx(28 * fees[1], rel=0.01)


@BY_LOOP
def test_a_run_says_where_shares_were_counted_before_a_split(played: Any, stock: bool) -> None:
    now, splits = split(wandering("A", 11, 100), (900, 28.0))

    def flags(strategy: Any, **config: Any) -> list[str]:
        found = played(strategy, now, stock=stock, **config).metrics["engine_metrics"]
        return [name for name in found if name.startswith("flag ")]

    fixed = "flag one size for all orders is in shares as of the prices' end, before later splits: A"
    fees = "flag fees a share count the shares of the day, before later splits: A"
    assert flags(Fixed, splits=splits) == [fixed]
    assert flags(Fixed, splits=splits, commission=FEES) == [fees, fixed]
    assert flags(Held, splits=splits, commission=FEES) == [fees]
    assert flags(Held, splits=splits) == flags(Fixed, commission=FEES) == []
    _, early = split(wandering("A", 11, 100), (0, 28.0))
    assert flags(Fixed, splits=early, commission=FEES) == []


def test_limits_count_the_shares_of_the_day(played: Any) -> None:
    """100 shares at most are 2,800 of those that the last of the prices have; 28 more are refused."""
    now, splits = split(wandering("A", 11, 100), (900, 28.0))
    held = []

    class Limited(BaseStrategy):
        def next(self) -> None:
            if len(self) == 5:
                self.buy(size=self.calculate_position_size(self.data.close[0]))
            if len(self) == 8:
                self.buy(size=28)
            held.append(self.position.size)

    free = dict.fromkeys(("max_leverage", "max_concentration", "max_daily_loss", "max_drawdown"))
    limits = RunContext(risk_limits={**free, "max_position_shares": 100})
    with in_run(limits):
        played(Limited, now, {"enable_risk_manager": True}, splits=splits, cash=1_000_000)
    assert held[-1] == max(held) == 2800


class Feed:
    def __init__(self, number: float, splits: Any) -> None:
        self.datetime = [number]
        self.splits = splits


def test_whole_shares_of_the_day_by_hand() -> None:
    steps = ((100.0, 1 / 28), (200.0, 0.25))
    assert [day_shares(Feed(now, steps)) for now in (99.0, 100.0, 199.0, 200.0)] == [1 / 28, 0.25, 0.25, 1.0]
    assert whole(139.9, Feed(50.0, steps)) == 112
    assert whole(140.0, Feed(50.0, steps)) == 140
    assert whole(-143.0, Feed(150.0, steps)) == -140
    assert whole(3.9, Feed(250.0, steps)) == 3
    assert whole(2.7, Feed(0.0, ((10.0, 8.0),))) == 2.625
    assert day_shares(object()) == 1.0


def test_splits_of_a_series_are_those_that_sql_tells() -> None:
    bars = tuple(Bar(dt.datetime(2020, 1, n, tzinfo=dt.UTC), 8.0, 8.0, 8.0, 8.0, 1.0) for n in (1, 2, 3))
    factors = (
        Factor(dt.date(2020, 1, 2), "split", 0.5),
        Factor(dt.date(2020, 1, 2), "dividend", 0.9),
        Factor(dt.date(2020, 1, 3), "split", 0.25),
    )
    series = PriceSeries(symbol="A", source="", bars=bars, factors=factors)
    told = splits_from_json({"A": [("2020-01-02", 0.125), ("2020-01-03", 0.25)]})
    assert splits_of(series) == told["A"]
    assert list(adjusted(series).volume) == [8.0, 4.0, 1.0]
