"""Signals as arrays and rules as values: what is traded under Backtrader, worked by hand."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointFailure, PointResult
from strategies.contracts import SHARE
from strategies.parameters import ParameterError
from strategies.registry import LIBRARY, resolve
from strategies.signal_functions import new_month
from strategies.signal_rules import Rules
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator
from strategies.sizing import PositionSizing
from tests.unit import scripted_signals
from tests.unit.price_samples import FIRST_DAY, real, series_of, settings_for, wandering
from tests.unit.strategy_bench import played

pytestmark = pytest.mark.engine

IN, OUT, SHORT, COVER = 1, 2, 4, 8


def bars(*rows: tuple[float, float, float, float, int]) -> AdjustedPrices:
    """Open, high, low, close, signal."""
    return series_of(
        "X", [(FIRST_DAY + dt.timedelta(days=i), *row[:4], float(row[4])) for i, row in enumerate(rows)]
    )


def trades(series: AdjustedPrices, **parameters: object) -> list[tuple[int, int, float, float, float]]:
    """Entry and exit by the number of their bar, size, prices."""
    given = {"sizing": "fixed"} | parameters
    found = []
    for stock in (False, True):
        with scripted_signals.admitted() as name:
            settings = settings_for(name, [series], stock=stock)
            (outcome,) = BacktraderEngine().run(settings, [series], [Point(0, given)], lambda _: None)
        assert isinstance(outcome, PointResult), outcome
        found.append([
            ((one.entry_time.date() - FIRST_DAY).days, (one.exit_time.date() - FIRST_DAY).days, one.size,
             one.entry_price, one.exit_price)
            for one in outcome.trades
        ])  # fmt: skip
    assert found[0] == found[1]
    return found[0]


def test_an_entry_and_an_exit_go_to_the_next_open() -> None:
    series = bars((10, 11, 9, 10, IN), (10.5, 11, 10, 11, 0), (11, 12, 10, 11, OUT), (11.5, 12, 11, 12, 0))
    assert trades(series) == [(1, 3, 10.0, 10.5, 11.5)]


def test_a_short_is_bought_back_by_its_own_exit_only() -> None:
    series = bars((10, 11, 9, 10, SHORT), (10, 10, 9, 9, OUT), (9, 9, 8, 8, COVER), (7, 8, 7, 8, 0))
    assert trades(series) == [(1, 3, -10.0, 10.0, 7.0)]


def test_a_stop_and_a_target_fill_inside_the_bar_and_end_each_other() -> None:
    series = bars(
        (100, 101, 99, 100, IN), (100, 101, 99, 100, 0), (100, 100, 94, 96, 0), (96, 96, 95, 96, IN),
        (96, 97, 96, 96, 0), (97, 106, 97, 105, 0), (105, 200, 1, 100, IN), (100, 100, 100, 100, 0),
        (100, 200, 1, 100, 0),
    )  # fmt: skip
    assert trades(series, stop_loss=0.05, take_profit=0.1) == [
        (1, 2, 10.0, 100.0, 95.0), (4, 5, 10.0, 96.0, 96 + 96 * 0.1), (7, 8, 10.0, 100.0, 95.0)
    ]  # fmt: skip


def test_an_exit_cancels_the_stop_that_waits() -> None:
    series = bars(
        (100, 101, 99, 100, IN), (100, 101, 99, 100, OUT), (100, 101, 99, 100, 0), (100, 100, 1, 50, 0),
        (50, 51, 49, 50, 0),
    )  # fmt: skip
    assert trades(series, stop_loss=0.05) == [(1, 2, 10.0, 100.0, 100.0)]


def test_a_trailing_stop_follows_the_closes_and_never_goes_back() -> None:
    series = bars(
        (100, 101, 99, 100, IN), (100, 101, 99, 100, 0), (100, 120, 100, 120, 0), (118, 119, 110, 112, 0),
        (112, 113, 100, 101, 0),
    )  # fmt: skip
    assert trades(series, trailing_stop=0.1) == [(1, 4, 10.0, 100.0, 108.0)]


def test_on_closes_a_stop_leaves_at_the_next_open() -> None:
    series = bars(
        (100, 101, 99, 100, IN), (100, 101, 80, 100, 0), (100, 101, 80, 94, 0), (93, 95, 90, 94, 0),
        (93, 95, 90, 94, 0),
    )  # fmt: skip
    assert trades(series, stop_loss=0.05, on_close=True) == [(1, 3, 10.0, 100.0, 93.0)]


def test_time_ends_a_position_and_a_rest_follows() -> None:
    rows = [(10.0, 10.0, 10.0, 10.0, IN)] * 12
    assert trades(bars(*rows), longest=2, cool_down=3) == [
        (1, 3, 10.0, 10.0, 10.0), (7, 9, 10.0, 10.0, 10.0)
    ]  # fmt: skip


def test_a_position_turns_round_in_one_order() -> None:
    series = bars(
        (10, 10, 10, 10, IN), (10, 10, 10, 10, OUT + SHORT), (12, 12, 12, 12, 0), (11, 11, 11, 11, COVER),
        (9, 9, 9, 9, 0),
    )  # fmt: skip
    assert trades(series, reverse=True) == [(1, 2, 10.0, 10.0, 12.0), (2, 4, -10.0, 12.0, 9.0)]


@pytest.mark.parametrize(
    "rules", [{"stop_loss": -0.1}, {"stop_loss": 0.1, "trailing_stop": 0.1}, {"cool_down": -1}]
)
def test_rules_that_cannot_be_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        Rules(**rules)


class Numbers(SignalStrategy):
    def signals(self, bars: Bars) -> Signals:
        return Signals(enter_long=bars.close)


class Short(SignalStrategy):
    def signals(self, bars: Bars) -> Signals:
        return Signals(exit_long=(bars.close > 1)[1:])


class Unknown(SignalStrategy):
    def signals(self, bars: Bars) -> Signals:
        return Signals(enter_long=bars.clse > 1)


class Neither(SignalStrategy):
    pass


@pytest.mark.parametrize(
    ("kind", "said"),
    [(Numbers, "enter_long holds float64"), (Short, r"exit_long has the shape \(29,\)"),
     (Unknown, "no 'clse'"), (Neither, "one of the two methods")],
)  # fmt: skip
def test_what_is_wrong_with_an_answer_is_said(kind: Any, said: str) -> None:
    with pytest.raises(Exception, match=said):
        played(kind, real("GOOG", 30))


def test_an_indicator_may_not_hide_a_price() -> None:
    class Hides(SignalStrategy):
        @indicator
        def close(self, data: Any) -> Any:
            return bt.indicators.SMA(data, period=2)

        def signals(self, bars: Bars) -> Signals:
            return Signals(enter_long=bars.close > 1)

    with pytest.raises(ParameterError, match="cannot be named 'close'"):
        played(Hides, real("GOOG", 30))


SIGNALLED = [name for name in LIBRARY if issubclass(resolve(name).strategy, SignalStrategy)]


def test_ten_of_the_library_are_signals() -> None:
    assert len(SIGNALLED) >= 10


@pytest.mark.parametrize("name", SIGNALLED)
def test_each_bar_says_the_same_whether_the_rest_is_known_or_not(name: str) -> None:
    """Whole arrays against the rolling window that paper and live see: no look-ahead, no longer memory."""
    series = [wandering("A", 1, 420), wandering("B", 2, 420, 40), wandering("C", 3, 400)]
    seen: dict[bool, list[Any]] = {True: [], False: []}

    class Watched(resolve(name).strategy):  # type: ignore[misc]
        def next(self) -> None:
            super().next()
            if self.by_weights:
                self.rebalance = lambda weights, tolerance: seen[self._whole].append(
                    (len(self), list(weights.values()), tolerance)
                )
            else:
                seen[self._whole] += [(len(self), self.signal_now(data)) for data in self.datas]

    played(Watched, *series)
    cerebro_of_bars(Watched, series)
    assert seen[True]
    assert seen[True] == seen[False]
    assert any(one[1] for one in seen[True])


def cerebro_of_bars(strategy: Any, series: list[AdjustedPrices]) -> None:
    from runners.engines.backtrader.feed import ArrayFeed, time_numbers

    cerebro = bt.Cerebro(stdstats=False, runonce=False, preload=False)
    for one in series:
        cerebro.adddata(ArrayFeed(series=one, numbers=time_numbers(one.epochs)), name=one.symbol)
    cerebro.addstrategy(strategy)
    cerebro.run()


def test_months_begin_by_the_date_of_the_bar() -> None:
    import numpy as np

    days = [
        dt.datetime(2024, 1, 31),
        dt.datetime(2024, 2, 1),
        dt.datetime(2024, 2, 2),
        dt.datetime(2025, 2, 3),
    ]
    numbers = np.array([bt.date2num(day) for day in days])
    assert new_month(numbers).tolist() == [False, True, False, True]


def test_cash_that_is_spoken_for_does_not_depend_on_how_python_adds_up() -> None:
    """Ten times 0.1: Python 3.11's sum() gives 0.9999999999999999, that of 3.12 gives 1."""
    order = SimpleNamespace(
        data=None,
        executed=SimpleNamespace(remsize=0.1),
        created=SimpleNamespace(price=1.0),
        isbuy=lambda: True,
    )

    class Sizing(PositionSizing):
        broker = SimpleNamespace(getcash=lambda: 1.0)
        params = SimpleNamespace(position_share=1.0)

        def pending_orders(self) -> Any:
            return [order] * 10

    assert Sizing()._affordable(SHARE, 1.0) == 0.0


def test_a_strategy_that_raises_fails_its_own_point() -> None:
    series = real("GOOG", 30)
    points = [Point(0, {"stop_loss": -1.0}), Point(1, {})]
    with scripted_signals.admitted() as name:
        settings = settings_for(name, [series])
        first, second = BacktraderEngine().run(settings, [series], points, lambda _: None)
    assert isinstance(first, PointFailure)
    assert "stop_loss is -1.0" in first.error
    assert isinstance(second, PointResult)
