"""The engine of signal strategies: the kernel where it covers a point, Backtrader where it does not."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from runners.engines.backtrader.account_audit import share_remarks
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import (
    AdjustedPrices,
    Point,
    PointFailure,
    PointRange,
    PointResult,
    RunSettings,
)
from runners.engines.error_text import error_text
from strategies.registry import resolve

if TYPE_CHECKING:
    from runners.engines.signals.block import Block, Simulator


class SignalsEngine:
    """Numbers are those of Backtrader, to the bit; the engine metric `loop` says which of the two ran.

    numba and the compiled kernel are imported by `prepare()`, or at the first point.
    """

    key = "bulk"

    def prepare(self) -> None:
        """Import the kernel, compiled at the first time on a machine. A process that forks does it before."""
        import_module("runners.engines.signals.block")

    def run(
        self,
        settings: RunSettings,
        prices: Sequence[AdjustedPrices],
        points: Sequence[Point],
        on_start: Callable[[int], None],
    ) -> Iterator[PointResult | PointFailure]:
        """One outcome a point, with curve and trades."""
        from runners.engines.signals.points import Grid
        from runners.engines.signals.results import account, metrics_of

        simulator, why = _simulator(settings, prices)
        for point in points:
            if simulator is None:
                yield from _by_backtrader(settings, prices, point, on_start, why)
                continue
            on_start(point.ordinal)
            began = time.perf_counter()
            try:
                block = simulator.run(Grid.of(resolve(settings.entry_point).parameters, [point.parameters]))
                if block.refused:
                    yield from _by_backtrader(settings, prices, point, lambda _: None, block.refused[0])
                    continue
                if block.failed:
                    yield PointFailure(point.ordinal, *block.failed[0])
                    continue
                found, early = account(simulator.market, simulator.course())
                remarks = share_remarks(settings, early)
                metrics = metrics_of(simulator.market, settings, found, remarks)
                metrics["duration"] = time.perf_counter() - began
                yield PointResult(
                    point.ordinal, metrics, list(found.sessions), list(found.equity), list(found.trades)
                )
            except GeneratorExit:
                raise
            except MemoryError as error:
                yield PointFailure(point.ordinal, "memory", error_text(error))
            except BaseException as error:
                yield PointFailure(point.ordinal, "strategy", error_text(error))

    def ranges(
        self,
        settings: RunSettings,
        prices: Sequence[AdjustedPrices],
        plan: Mapping[str, Any],
        ranges: Sequence[PointRange],
        on_start: Callable[[int], None],
    ) -> Iterator[tuple[PointRange, Block, Sequence[dt.date]]]:
        """Each range's points with their raw metrics, and the run's sessions. `plan` is desk.bulk_plan()'s
        answer; `on_start` is called before a range, and before each point that Backtrader runs."""
        from runners.engines.signals.block import nothing_of, take
        from runners.engines.signals.market import Market
        from runners.engines.signals.points import planned

        simulator, why = _simulator(settings, prices)
        sessions = Market(settings, prices).sessions if simulator is None else simulator.market.sessions
        declared = resolve(settings.entry_point).parameters
        for points in ranges:
            on_start(points.ordinal)
            grid = planned(declared, plan, points)
            block = nothing_of(grid, settings, why) if simulator is None else simulator.run(grid)
            for place in sorted(block.refused):
                one = Point(points.ordinal + place, grid.given(place))
                (outcome,) = BacktraderEngine().run(settings, prices, [one], lambda _: None)
                on_start(points.ordinal)
                take(block, place, outcome, sessions)
            yield points, block, sessions


def _simulator(
    settings: RunSettings, prices: Sequence[AdjustedPrices]
) -> tuple[Simulator | None, str]:  # fmt: skip
    from runners.engines.signals.block import Simulator
    from runners.engines.signals.declared import why_not
    from runners.engines.signals.market import Market

    entry = resolve(settings.entry_point)
    why = "the stock loop was asked for" if settings.stock else why_not(entry.strategy)
    if settings.resample:
        why = "it has longer bars beside its own"
    if why:
        return None, why
    market = Market(settings, prices)
    why = market.why_not()
    return (None, why) if why else (Simulator(settings, market, entry), "")


def _by_backtrader(
    settings: RunSettings,
    prices: Sequence[AdjustedPrices],
    point: Point,
    on_start: Callable[[int], None],
    why: str,
) -> Iterator[PointResult | PointFailure]:
    for outcome in BacktraderEngine().run(settings, prices, [point], on_start):
        if isinstance(outcome, PointResult):
            said = outcome.metrics["engine_metrics"]
            assert isinstance(said, dict)
            said["why_not_kernel"] = why
        yield outcome
