"""Whether the kernel gives what stock Backtrader gives, bar by bar as a strategy trades on paper and live.

The reference is told each bar when it comes, so that it can neither see ahead nor use an indicator's array
form: what differs there is found, by the first bar on which it does.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import backtrader as bt

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointFailure, PointResult, RunSettings
from runners.engines.signals.block import Simulator
from runners.engines.signals.declared import why_not
from runners.engines.signals.market import Market
from runners.engines.signals.points import Grid
from runners.engines.signals.results import account, metrics_of
from strategies.parameters import Parameter
from strategies.registry import RegisteredStrategy

PASSING = ("duration", "engine_metrics")


@dataclass(frozen=True)
class Difference:
    """Where two runs of a point part: the first bar and both numbers, in words."""

    parameters: Mapping[str, Any]
    what: str

    def __str__(self) -> str:
        said = ", ".join(f"{name} {value}" for name, value in self.parameters.items()) or "its defaults"
        return f"with {said}: {self.what}"


class SignalTape(bt.Analyzer):  # type: ignore[misc]
    """The signal of each feed's newest bar, as the strategy knows it then."""

    def start(self) -> None:
        self.seen: list[tuple[int, list[int]]] = []

    def prenext(self) -> None:
        pass

    def next(self) -> None:
        strategy = self.strategy
        if not strategy.by_weights:
            self.seen.append((len(strategy) - 1, [strategy.signal_now(data) for data in strategy.datas]))

    def get_analysis(self) -> list[tuple[int, list[int]]]:
        return self.seen


def points_of(declared: Sequence[Parameter], count: int, seed: int) -> list[dict[str, object]]:
    """Its defaults, and points at random around them."""
    rng = random.Random(seed)
    found: list[dict[str, object]] = [{}]
    while len(found) < count:
        point: dict[str, object] = {}
        for one in declared:
            low = float(one.minimum if one.minimum is not None else 0)
            high = float(one.maximum if one.maximum is not None else 1e9)
            if one.type is int:
                high = max(low, min(high, 2 * int(one.default) + 5))
                point[one.name] = rng.randint(int(low), int(high))
            elif one.type is float:
                point[one.name] = rng.uniform(low, max(low, min(high, 2 * float(one.default) + 0.1)))
        found.append(point)
    return found


def first_difference(
    settings: RunSettings,
    prices: Sequence[AdjustedPrices],
    entry: RegisteredStrategy,
    points: Sequence[Mapping[str, object]],
) -> tuple[Difference | None, int]:
    """The first point on which they differ, and how many were compared.

    A point that fails both ways is not counted; one that the kernel refuses is a difference.
    """
    why = why_not(entry.strategy)
    market = Market(settings, prices)
    why = why or market.why_not()
    if why:
        return Difference({}, why), 0
    simulator = Simulator(settings, market, entry)
    engine = BacktraderEngine({"signals": SignalTape}, by_bar=True)
    compared = 0
    for point in points:
        (wanted,) = engine.run(settings, prices, [Point(0, point)], lambda _: None)
        block = simulator.run(Grid.of(entry.parameters, [point]))
        if isinstance(wanted, PointFailure):
            if not block.failed:
                return Difference(point, f"only bar by bar it fails: {wanted.error}"), compared
            continue
        if block.failed:
            # Windows that are too short for an indicator fail in every loop over arrays.
            (other,) = BacktraderEngine().run(settings, prices, [Point(0, point)], lambda _: None)
            if isinstance(other, PointFailure):
                continue
        if block.failed or block.refused:
            return Difference(point, f"the kernel does not run it: {block.refused or block.failed}"), compared
        what = _signals(simulator, engine.analyses["signals"]) or _results(wanted, simulator, settings)
        if what:
            return Difference(point, what), compared
        compared += 1
    return None, compared


def _signals(simulator: Simulator, seen: Sequence[tuple[int, list[int]]]) -> str:
    bits = simulator.signals_now
    if bits is None:
        return ""
    for step, signals in seen:
        for feed, signal in enumerate(signals):
            if signal != int(bits[feed, step]):
                return (
                    f"{_bar(simulator.market, feed, step)}: its signal is {signal} when the bar comes, "
                    f"{int(bits[feed, step])} once all bars are known"
                )
    return ""


def _results(wanted: PointResult, simulator: Simulator, settings: RunSettings) -> str:
    found, _ = account(simulator.market, simulator.course())
    for session, one, other in zip(wanted.sessions, wanted.equity, found.equity, strict=True):
        if one != other:
            return f"{session}: the account is worth {one!r} in Backtrader, {other!r} in the kernel"
    if wanted.trades != list(found.trades):
        return f"{len(wanted.trades)} trades in Backtrader are others than {len(found.trades)} in the kernel"
    metrics = metrics_of(simulator.market, settings, found, {})
    for name, value in wanted.metrics.items():
        if name not in PASSING and metrics.get(name) != value:
            return f"{name} is {value!r} in Backtrader, {metrics.get(name)!r} in the kernel"
    return ""


def _bar(market: Market, feed: int, step: int) -> str:
    series = market.data_set.prices[feed]
    session = market.data_set.timeline.session(step)
    return f"{session}, {series.symbol}"
