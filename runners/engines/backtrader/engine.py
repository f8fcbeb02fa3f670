"""Runs points through stock Backtrader, one Cerebro each."""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from runners.engines.backtrader.account import ConfiguredBroker
from runners.engines.backtrader.account_audit import audit, remarks, share_remarks
from runners.engines.backtrader.cash_flows import flow_steps, time_weighted
from runners.engines.backtrader.data_set import DataSet
from runners.engines.backtrader.fast_cerebro import FastCerebro
from runners.engines.backtrader.fast_results import ResultCache
from runners.engines.backtrader.late_feeds import KnownFeeds
from runners.engines.backtrader.mistakes import explain
from runners.engines.backtrader.recorder import Recorder
from runners.engines.backtrader.warm_up import WarmUp
from runners.engines.base import AdjustedPrices, Point, PointFailure, PointResult, RunSettings
from runners.engines.error_text import error_text
from runners.engines.raw_metrics import raw_metrics
from strategies.parameters import convert_all
from strategies.registry import RegisteredStrategy, resolve

RESULT_BYTES = 64 * 1024 * 1024
"""Indicator results that a child keeps at most."""


class TooFewBarsError(Exception):
    """The run's window is shorter than a strategy's indicators need."""


class BacktraderEngine:
    """Unmodified Backtrader strategies, in a faster loop unless `stock` is set; both give the same bits."""

    key = "backtrader"

    def __init__(self, analyzers: Mapping[str, Any] | None = None, *, by_bar: bool = False) -> None:
        """`analyzers`, Backtrader's classes by name, watch every point; `analyses` has what they found at the
        last one. `by_bar` has strategies see each bar only when it comes, as they do live."""
        self.by_bar = by_bar
        self.analyzers = dict(analyzers or {})
        self.analyses: dict[str, Any] = {}

    def run(
        self,
        settings: RunSettings,
        prices: Sequence[AdjustedPrices],
        points: Sequence[Point],
        on_start: Callable[[int], None],
    ) -> Iterator[PointResult | PointFailure]:
        """One outcome a point, in their order. A strategy that raises costs its own point only."""
        shared: _Shared | None = None
        for point in points:
            on_start(point.ordinal)
            try:
                shared = shared or _Shared(DataSet(settings, prices), ResultCache(RESULT_BYTES))
                yield _run_point(settings, shared, point, self)
            except GeneratorExit:
                raise
            except MemoryError as error:
                yield PointFailure(point.ordinal, "memory", error_text(error))
            # Also SystemExit and KeyboardInterrupt: a strategy that calls sys.exit() ends its point only.
            except BaseException as error:
                yield PointFailure(point.ordinal, "strategy", error_text(error))


@dataclass(frozen=True)
class _Shared:
    """What the points of one call share."""

    data_set: DataSet
    results: ResultCache


def _run_point(settings: RunSettings, shared: _Shared, point: Point, engine: BacktraderEngine) -> PointResult:
    began = time.perf_counter()
    entry: RegisteredStrategy = resolve(settings.entry_point)
    parameters = convert_all(entry.parameters, point.parameters)
    seed_generators(settings.seed, parameters)
    data_set = shared.data_set
    cerebro = _cerebro(settings, shared, by_bar=engine.by_bar)
    broker: ConfiguredBroker = cerebro.broker
    since = settings.start_date if settings.warm_up_bars else None
    broker.keep_to(settings, flow_steps(settings.cash_flows, data_set.timeline, since))
    data_set.add_to(cerebro, shared=not (settings.stock or engine.by_bar))
    broker.count_shares_of_the_day(cerebro.datas)
    if settings.warm_up_bars:
        cerebro.addindicator(WarmUp, bars=data_set.bars_before(settings.start_date))
    cerebro.addstrategy(entry.strategy, **parameters)
    cerebro.addanalyzer(Recorder, epochs=data_set.epochs, _name="recorder")
    for name, analyzer in engine.analyzers.items():
        cerebro.addanalyzer(analyzer, _name=name)
    strategies = _executed(cerebro, data_set)
    if not strategies:
        raise RuntimeError("the strategy skipped itself (StrategySkipError)")
    recorder: Recorder = strategies[0].analyzers.recorder
    if settings.cash_flows is not None:
        ending = recorder.values[-1] if recorder.values else settings.cash
        recorder.values = time_weighted(recorder.values, broker.flows, settings.cash)
    account = recorder.account(data_set.timeline, since=since)
    found = strategies[0].analyzers
    engine.analyses = {name: found.getbyname(name).get_analysis() for name in engine.analyzers}
    metrics = raw_metrics(account, settings)
    if settings.cash_flows is not None:
        flowed = math.fsum(cash for step, cash in broker.flows.items() if step < len(recorder.values))
        metrics |= {"net_flows": flowed, "earned": ending - settings.cash - flowed}
    audit(cerebro, broker, settings, recorder)
    metrics["engine_metrics"] = (
        _loop_that_ran(cerebro)
        | remarks(cerebro, broker)
        | share_remarks(settings, recorder.sizes_before_splits)
    )
    metrics["bars"] = sum(len(data) for data in cerebro.datas[: data_set.symbols])
    metrics["duration"] = time.perf_counter() - began
    return PointResult(
        ordinal=point.ordinal,
        metrics=metrics,
        sessions=list(account.sessions),
        equity=list(account.equity),
        trades=list(account.trades),
    )


def _cerebro(settings: RunSettings, shared: _Shared, *, by_bar: bool) -> Any:
    if by_bar:
        cerebro = KnownFeeds(stdstats=False, runonce=False, preload=False)
        cerebro.broker = ConfiguredBroker()
        return cerebro
    if settings.stock:
        cerebro = KnownFeeds(stdstats=False)
        cerebro.broker = ConfiguredBroker()
        return cerebro
    return FastCerebro(stdstats=False).over(shared.data_set, shared.results)


def _loop_that_ran(cerebro: Any) -> dict[str, float | str]:
    if not isinstance(cerebro, FastCerebro):
        return {"loop": "stock", "why_stock": "asked for"}
    if cerebro.loop == "fast":
        return {"loop": "fast"}
    return {"loop": "stock", "why_stock": cerebro.why_stock}


def _executed(cerebro: Any, data_set: DataSet) -> Any:
    try:
        return cerebro.run()
    except IndexError as error:
        # Backtrader computes indicators over whole arrays and does not check that these are long enough.
        if str(error) == "array assignment index out of range":
            bars = min(len(data.p.series) for data in cerebro.datas)
            raise TooFewBarsError(
                f"an indicator needs more bars than the {bars} in the run's window; "
                "shorten its period or widen the window"
            ) from error
        explain(error, cerebro, data_set)
        raise
    except Exception as error:
        explain(error, cerebro, data_set)
        raise


def seed_generators(seed: int, parameters: Mapping[str, object]) -> None:
    """Seed Python's and numpy's generators for one point.

    From the run's seed and the point's parameters, not its place in the search: an equal point of another
    search must give the same numbers.
    """
    text = f"{seed} {json.dumps(parameters, sort_keys=True)}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    random.seed(number)
    if (numpys := numpys_generators()) is not None:
        numpys.seed(number)


@cache
def numpys_generators() -> ModuleType | None:
    """numpy.random, or None without numpy: strategies may use it, the desk does without.

    Imported at the first point and not before, since a runner can publish its strategies meanwhile.
    """
    try:
        return import_module("numpy.random")
    except ImportError:
        return None
