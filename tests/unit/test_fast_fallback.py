"""What the fast loop does not cover runs in Backtrader's own, and the result says so."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader import fast_cerebro
from runners.engines.backtrader.data_set import DataSet
from runners.engines.backtrader.fast_cerebro import FastCerebro
from runners.engines.backtrader.fast_results import ResultCache
from tests.unit.price_samples import real, settings_for

SERIES = [real("GOOG", 120)]


class Idle(bt.Strategy):
    pass


class OwnClock(bt.Strategy):
    def _notify(self, *args: Any, **kwargs: Any) -> None:
        super()._notify(*args, **kwargs)


class ByBar(bt.Strategy):
    def __init__(self) -> None:
        self.candles = bt.ind.HeikinAshi(self.data)


class Writes(bt.Strategy):
    def next(self) -> None:
        self.data.close[0] = 1.0


class Averages(bt.Strategy):
    params = (("fast", 3), ("slow", 9))

    def __init__(self) -> None:
        fast = bt.ind.SMA(self.data, period=self.p.fast)
        self.slow = bt.ind.SMA(self.data, period=self.p.slow)
        self.cross = bt.ind.CrossOver(fast, self.slow)

    def next(self) -> None:
        # A value that a strategy overwrites is its own affair.
        self.slow.lines[0][0] = 0.0


def ran(
    strategy: Any, *, results: ResultCache | None = None, prepare: Any = None, **parameters: Any
) -> FastCerebro:
    data_set = DataSet(settings_for("x", SERIES), SERIES)
    cerebro = FastCerebro(stdstats=False).over(data_set, results or ResultCache(1 << 20))
    data_set.add_to(cerebro, shared=True)
    cerebro.addstrategy(strategy, **parameters)
    if prepare is not None:
        prepare(cerebro)
    cerebro.run()
    return cerebro


@pytest.mark.parametrize(
    ("strategy", "prepare", "why"),
    [
        (Idle, lambda cerebro: cerebro.addstrategy(Idle), "2 strategies"),
        (Idle, lambda cerebro: cerebro.addobserver(bt.observers.Value), "observers"),
        (Idle, lambda cerebro: cerebro.setbroker(bt.brokers.BackBroker()), "the broker is a BackBroker"),
        (Idle, lambda cerebro: cerebro.addwriter(bt.WriterFile, out="/dev/null"), "writers"),
        (
            Idle,
            lambda cerebro: cerebro.datas[0].addfilter(lambda data: False),
            "a feed was filtered, resampled, replayed or added",
        ),
        (OwnClock, None, "the strategy has a _notify() of its own"),
        (
            ByBar,
            None,
            "bars are computed one by one (an indicator, a setting or a feed asks for it)",
        ),
    ],
)
def test_what_is_not_covered_runs_in_the_stock_loop(strategy: Any, prepare: Any, why: str) -> None:
    cerebro = ran(strategy, prepare=prepare)
    assert (cerebro.loop, cerebro.why_stock) == ("stock", why)


def test_another_version_of_the_library_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_cerebro, "BACKTRADER", "1.9.78.124")
    cerebro = ran(Idle)
    assert cerebro.loop == "stock"
    assert "the fast loop follows 1.9.78.124" in cerebro.why_stock


def test_prices_are_not_written_to() -> None:
    with pytest.raises(TypeError, match="run it with stock: true"):
        ran(Writes)
    assert SERIES[0].close[0] != 1.0


def test_shared_results_survive_a_strategy_that_writes_into_its_indicator() -> None:
    results = ResultCache(1 << 20)
    ran(Averages, results=results)
    held = {key: [list(array) for array in arrays] for key, arrays in results._results.items()}
    ran(Averages, results=results, fast=4)
    for key, arrays in held.items():
        assert repr([list(array) for array in results._results[key]]) == repr(arrays)


def test_results_of_prices_are_kept_at_once_and_what_is_built_on_them_when_it_comes_again() -> None:
    results = ResultCache(1 << 20)
    ran(Averages, results=results)
    kinds = [key[0].__name__ for key in results._results]
    assert kinds.count("SMA") == 2
    assert "CrossOver" not in kinds
    ran(Averages, results=results)
    assert "CrossOver" in [key[0].__name__ for key in results._results]


def test_the_cache_is_bounded() -> None:
    results = ResultCache(10_000)
    for period in range(2, 40):
        ran(Averages, results=results, fast=period)
    assert 0 < results.size <= 10_000
