"""Code is admitted to the kernel where it gives what Backtrader gives bar by bar; a difference is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from strategies.parameters import Parameter
from strategies.registry import LIBRARY, RegisteredStrategy, resolve
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator
from tests.unit.price_samples import settings_for, wandering

pytest.importorskip("numba", reason="the kernel needs the extra `bulk`")

from runners.engines.signals.comparison import first_difference, points_of
from runners.engines.signals.declared import why_not

pytestmark = pytest.mark.engine

PRICES = [wandering("A", 1, 260), wandering("B", 2, 260, 20)]


class SeesTomorrow(SignalStrategy):
    """Where tomorrow is known, it is used."""

    parameters = (Parameter("period", int, 5, 2, 50),)

    def signals(self, bars: Bars) -> Signals:
        rises = bars.close > bars.open
        rises[:-1] = bars.close[1:] > bars.close[:-1]
        return Signals(enter_long=rises, exit_long=~rises)


class Uneven(bt.Indicator):
    """Its array form forgets one bar."""

    lines: Any = ("level",)

    def next(self) -> None:
        self.lines.level[0] = self.data.close[0]

    def once(self, start: int, end: int) -> None:
        array, closes = self.lines.level.array, self.data.close.array
        for bar in range(start, end):
            array[bar] = closes[bar] if bar != 117 else 0.0


class OneBarInAThousand(SignalStrategy):
    @indicator
    def level(self, data: Any) -> Any:
        return Uneven(data)

    def signals(self, bars: Bars) -> Signals:
        return Signals(enter_long=bars.level < 1.0)


class OnlySometimes(SignalStrategy):
    """Remembers what it was asked before."""

    parameters = (Parameter("limit", float, 50.0, 1.0, 100.0),)

    def signals(self, bars: Bars) -> Signals:
        self.last = getattr(self, "last", self.p.limit)
        return Signals(enter_long=bars.close < self.last, exit_long=bars.close > self.last)


def compared(kind: Any, points: int = 3) -> tuple[str, int]:
    path = Path(__file__)
    entry = RegisteredStrategy("planted", kind, __name__, path, path.parent)
    from strategies import registry

    registry._admitted["planted"] = entry
    try:
        settings = settings_for("planted", PRICES, stock=False)
        found, count = first_difference(settings, PRICES, entry, points_of(entry.parameters, points, 1))
    finally:
        del registry._admitted["planted"]
    return str(found), count


def test_a_planted_look_ahead_is_told_by_its_first_bar() -> None:
    said, _ = compared(SeesTomorrow)
    assert "A: its signal is" in said
    assert "once all bars are known" in said


def test_forms_that_differ_on_one_bar_are_told_by_that_bar() -> None:
    said, _ = compared(OneBarInAThousand)
    assert "its signal is 0 when the bar comes, 1 once all bars are known" in said


def test_what_is_no_function_of_its_parameters_is_told() -> None:
    said, count = compared(OnlySometimes)
    assert count < 3
    assert "with " in said


@pytest.mark.parametrize("name", [name for name in LIBRARY if not why_not(resolve(name).strategy)])
def test_the_library_is_equal_bar_by_bar(name: str) -> None:
    entry = resolve(name)
    settings = settings_for(name, PRICES, stock=False, slippage=0.0005)
    points = [{}, *points_of(entry.parameters, 2, 3)[1:]]
    found, _ = first_difference(settings, PRICES, entry, points)
    assert found is None


def test_the_task_answers_with_what_a_verdict_rests_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from runners.tasks import compare_kernel

    monkeypatch.setattr(compare_kernel, "POINTS", 4)
    monkeypatch.setattr(compare_kernel, "RANDOM_POINTS", 2)
    entry = resolve("rsi_mean_reversion")
    document = {
        "optimization_run_id": 1, "strategy": entry.name, "entry_point": entry.name, "engine": "backtrader",
        "symbols": ["A", "B"], "timeframe": "1d", "start_date": "2020-01-01", "end_date": "2020-12-31",
        "cash": 100_000, "commission": {"percent": 0.001, "per_share": 0, "minimum": 0}, "slippage": 0.0005,
        "seed": 1, "data_hash": "prices", "code_hash": "code", "stock": False, "seconds_per_point": 60,
        "memory_mb": 1024, "block_count": 4,
    }  # fmt: skip
    payload = {
        "strategy": entry.name, "code_hash": entry.published()["code_hash"], "timeframe": "1d",
        "settings": document,
    }  # fmt: skip
    rows = [
        (one.symbol, one.epochs, one.open, one.high, one.low, one.close, one.volume) for one in PRICES
    ]  # fmt: skip
    found = compare_kernel.run({"kind": "compare_kernel", "payload": payload, "prices": rows})
    assert found["outcome"] == "clean", found
    assert found["evidence"]["points"] > 8
    assert found["evidence"]["findings"][0]["verdict"] == "ok"
