"""Points by range: what is shared between them, what is refused by name, what fails alone."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import Margin, Point, PointFailure, PointRange, PointResult
from strategies.contracts import Contract
from strategies.parameters import Parameter
from strategies.registry import LIBRARY, RegisteredStrategy, resolve
from strategies.signal_rules import Rules
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator
from tests.unit.price_samples import real, settings_for, wandering

pytest.importorskip("numba", reason="the kernel needs the extra `bulk`")

from runners.engines.signals.block import Simulator
from runners.engines.signals.declared import why_not
from runners.engines.signals.engine import SignalsEngine
from runners.engines.signals.market import Market
from runners.engines.signals.points import Grid
from runners.engines.signals.results import figures_of

pytestmark = pytest.mark.engine

GAPS = [wandering("A", 1, 300), wandering("B", 2, 300, 40), wandering("C", 3, 280)]
CALLS: list[str] = []


class Crossed(SignalStrategy):
    """Counts what is evaluated."""

    parameters = (
        Parameter("fast", int, 5, 1, 100),
        Parameter("slow", int, 20, 2, 100),
        Parameter("stop", float, 0.0),
        Parameter("target", float, 0.0),
        Parameter("unread", int, 0),
    )

    @indicator
    def crossed(self, data: Any) -> Any:
        CALLS.append("indicator")
        if self.p.fast >= self.p.slow:
            raise ValueError(f"fast {self.p.fast} is not below slow {self.p.slow}")
        return bt.indicators.CrossOver(
            bt.indicators.SMA(data, period=self.p.fast), bt.indicators.SMA(data, period=self.p.slow)
        )

    def signals(self, bars: Bars) -> Signals:
        CALLS.append("signals")
        return Signals(enter_long=bars.crossed > 0, exit_long=bars.crossed < 0)

    def rules(self) -> Rules:
        return Rules(stop_loss=self.p.stop, take_profit=self.p.target)


VALUES: dict[str, list[Any]] = {
    "fast": [5, 8, 30], "unread": [0, 1], "slow": [20, 25], "stop": [0.0, 0.03], "target": [0.05, 0.1, 0.0],
}  # fmt: skip


def axis(*names: str, valid: list[int] | None = None) -> dict[str, Any]:
    """As desk.bulk_plan() has one."""
    values = [VALUES[name] for name in names]
    points = len(valid) if valid else prod(map(len, values))
    return {"parameters": list(names), "values": values, "points": points, "valid": valid}


# Of fast and unread not the second of the six: 8 in the place of 72 points that have it go.
PLAN = {
    "generations": [
        {"generation": 1, "first_ordinal": 1, "points": 60,
         "axes": [axis("fast", "unread", valid=[0, 2, 3, 4, 5]), axis("slow"), axis("stop", "target")]},
        {"generation": 2, "first_ordinal": 61, "points": 2, "axes": None,
         "listed": {"61": {"fast": 9}, "62": {"slow": 33}}},
    ]
}  # fmt: skip
COMBINED = [
    {"fast": fast, "unread": unread, "slow": slow, "stop": stop, "target": target}
    for fast, unread, slow, stop, target in product(*VALUES.values())
    if (fast, unread) != (5, 1)
] + [{"fast": 9}, {"slow": 33}]


def entry(kind: Any) -> RegisteredStrategy:
    path = Path(__file__)
    return RegisteredStrategy("crossed", kind, __name__, path, path.parent)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    from strategies import registry

    monkeypatch.setitem(registry._admitted, "crossed", entry(Crossed))


@pytest.mark.usefixtures("listed")
def test_a_range_of_points_is_what_backtrader_says_of_each_and_shares_what_it_can() -> None:
    costs = {"percent": 0.001, "per_share": 0.0, "minimum": 0.0}
    settings = settings_for("crossed", GAPS, stock=False, commission=costs)
    CALLS.clear()
    began: list[int] = []
    ranges = [PointRange(11, 35), PointRange(36, 60), PointRange(61, 62)]
    found_ = SignalsEngine().ranges(settings, GAPS, PLAN, ranges, began.append)
    blocks = [(points.ordinal, block) for points, block, _ in found_]
    assert began == [11, 36, 61]
    # Six pairs of averages, some of them twice, since which parameters are read is known after the first.
    assert CALLS.count("signals") <= 3 * 8
    chosen = [*random.Random(3).sample(range(11, 61), 14), 61, 62]
    points = [Point(ordinal, COMBINED[ordinal - 1]) for ordinal in chosen]
    for outcome in BacktraderEngine().run(settings, GAPS, points, lambda _: None):
        begin, block = next(one for one in reversed(blocks) if one[0] <= outcome.ordinal)
        place = outcome.ordinal - begin
        if isinstance(outcome, PointFailure):
            assert "fast 30 is not below slow" in block.failed[place][1]
            assert "fast 30 is not below slow" in outcome.error
            continue
        found = figures_of(block, place)
        assert found.pop("open_feeds") == len(outcome.metrics["open_positions"])  # type: ignore[arg-type]
        found.pop("lost_at")
        assert found == {name: outcome.metrics[name] for name in found}
    failed = {begin + place for begin, block in blocks for place in block.failed}
    assert failed == {number for number in range(11, 61) if COMBINED[number - 1]["fast"] == 30}


@pytest.mark.usefixtures("listed")
def test_what_the_kernel_does_not_run_is_put_into_its_block_by_backtrader() -> None:
    settings = settings_for("crossed", GAPS, stock=False)
    plan = {
        "generations": [
            {"first_ordinal": 1, "points": 4, "listed": {
                "1": {}, "2": {"enable_risk_manager": True}, "3": {"enable_risk_manager": True, "fast": 30},
                "4": {"stop": 0.05}}}
        ]
    }  # fmt: skip
    ((_, block, _),) = SignalsEngine().ranges(settings, GAPS, plan, [PointRange(1, 4)], lambda _: None)
    assert set(block.refused) == {1}
    assert "enable_risk_manager is on" in block.refused[1]
    assert set(block.failed) == {2}
    assert figures_of(block, 1)["total_orders"] == figures_of(block, 0)["total_orders"]
    stock = [
        one for _, one, _ in SignalsEngine().ranges(
            replace(settings, stock=True), GAPS, plan, [PointRange(1, 4)], lambda _: None
        )
    ]  # fmt: skip
    assert [figures_of(stock[0], place) for place in (0, 1, 3)] == [
        figures_of(block, place) for place in (0, 1, 3)
    ]


class OwnNext(SignalStrategy):
    def next(self) -> None:
        pass

    def signals(self, bars: Bars) -> Signals:
        return Signals()


class OwnInit(SignalStrategy):
    def __init__(self) -> None:
        self.more = 1

    def signals(self, bars: Bars) -> Signals:
        return Signals()


class Draws(SignalStrategy):
    def signals(self, bars: Bars) -> Signals:
        return Signals(enter_long=bars.close > random.random())


class Changes(SignalStrategy):
    parameters = (Parameter("level", float, 1.0),)

    def signals(self, bars: Bars) -> Signals:
        self.p.level = 2.0
        return Signals(enter_long=bars.close > self.p.level)


def test_classes_are_refused_by_what_they_have() -> None:
    assert why_not(OwnNext) == "it has a next() of its own"
    assert why_not(OwnInit) == "it has a __init__() of its own"
    assert why_not(resolve("pairs_reversion").strategy) == "it is no SignalStrategy"
    covered = [name for name in LIBRARY if not why_not(resolve(name).strategy)]
    assert len(covered) >= 10


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"margin": Margin(0.5, 0.25)}, "the account has margin"),
        ({"contracts": {"A": Contract(multiplier=50.0)}}, "A has terms of a contract"),
        ({"stock": True}, "the stock loop was asked for"),
    ],
)
@pytest.mark.usefixtures("listed")
def test_runs_are_refused_by_their_settings(changes: dict[str, Any], said: str) -> None:
    settings = replace(settings_for("crossed", GAPS, stock=False), **changes)
    (outcome,) = SignalsEngine().run(settings, GAPS, [Point(0, {})], lambda _: None)
    assert isinstance(outcome, PointResult) or settings.margin is None, outcome
    if isinstance(outcome, PointResult):
        assert outcome.metrics["engine_metrics"]["why_not_kernel"] == said  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    ("kind", "said"), [(Draws, "depend on random numbers"), (Changes, "changes its parameter 'level'")]
)
def test_arrays_that_are_no_function_of_their_parameters_are_refused(kind: Any, said: str) -> None:
    settings = settings_for("x", GAPS, stock=False)
    block = Simulator(settings, Market(settings, GAPS), entry(kind)).run(Grid.of(kind.parameters, [{}]))
    assert said in block.refused[0]


@pytest.mark.usefixtures("listed")
def test_what_the_kernel_does_not_run_runs_under_backtrader_and_says_why() -> None:
    settings = settings_for("crossed", GAPS, stock=False)
    points = [Point(0, {"enable_risk_manager": True}), Point(1, {"fast": 30}), Point(2, {})]
    one, two, three = SignalsEngine().run(settings, GAPS, points, lambda _: None)
    assert isinstance(one, PointResult)
    assert one.metrics["engine_metrics"] == {"loop": "fast", "why_not_kernel": "enable_risk_manager is on"}
    assert isinstance(two, PointFailure)
    assert isinstance(three, PointResult)
    assert three.metrics["engine_metrics"] == {"loop": "kernel"}


@pytest.mark.parametrize("name", [name for name in LIBRARY if not why_not(resolve(name).strategy)])
@pytest.mark.parametrize("prices", ["one calendar", "gaps"])
def test_a_strategy_of_the_library_gives_the_same_bits(name: str, prices: str) -> None:
    series = GAPS if prices == "gaps" else [real("GOOG", 400), real("AAPL", 400), real("IBM", 400)]
    start = dt.datetime.fromtimestamp(series[0].epochs[30], dt.UTC).date().isoformat()
    settings = settings_for(
        name, series, stock=False, warm_up_bars=30, start_date=start, slippage=0.0005,
        commission={"percent": 0.001, "per_share": 0.002, "minimum": 1.0},
    )  # fmt: skip
    points = [Point(0, {}), Point(1, {"position_share": 0.5})]
    wanted = list(BacktraderEngine().run(settings, series, points, lambda _: None))
    found = list(SignalsEngine().run(settings, series, points, lambda _: None))
    for one, other in zip(wanted, found, strict=True):
        if isinstance(one, PointFailure):
            assert isinstance(other, PointFailure)
            continue
        assert isinstance(other, PointResult), other
        assert other.metrics["engine_metrics"]["loop"] == "kernel"  # type: ignore[index, call-overload]
        assert (other.equity, other.trades) == (one.equity, one.trades)
        passing = ("duration", "engine_metrics")
        assert {k: v for k, v in other.metrics.items() if k not in passing} == {
            k: v for k, v in one.metrics.items() if k not in passing
        }
