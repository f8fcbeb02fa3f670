"""The engine of signal strategies: the kernel where it covers a point, Backtrader where it does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from runners.engines.backtrader.account_audit import share_remarks
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointFailure, PointResult, RunSettings
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
                    yield PointFailure(point.ordinal, "strategy", block.failed[0])
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

    def blocks(
        self,
        settings: RunSettings,
        prices: Sequence[AdjustedPrices],
        axes: Mapping[str, Sequence[object]],
        first: int,
        last: int,
        size: int = 1_000,
    ) -> Iterator[tuple[int, Block]]:
        """Points `first` to `last` (from 0) of all combinations of `axes`, the last varying fastest, in
        blocks: each with its first point. Raises NotInKernel where the kernel covers no point of the run."""
        from runners.engines.signals.points import Grid

        simulator, why = _simulator(settings, prices)
        if simulator is None:
            raise NotInKernel(why)
        declared = resolve(settings.entry_point).parameters
        for begin in range(first, last + 1, size):
            yield begin, simulator.run(Grid.over(declared, axes, begin, min(last, begin + size - 1)))


class NotInKernel(Exception):
    """The kernel does not cover a run; the message says why."""


def _simulator(
    settings: RunSettings, prices: Sequence[AdjustedPrices]
) -> tuple[Simulator | None, str]:  # fmt: skip
    from runners.engines.signals.block import Simulator
    from runners.engines.signals.declared import why_not
    from runners.engines.signals.market import Market

    entry = resolve(settings.entry_point)
    why = "the stock loop was asked for" if settings.stock else why_not(entry.strategy)
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
