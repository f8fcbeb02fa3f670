"""Runs points through stock Backtrader, one Cerebro each."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import backtrader as bt

from runners.engines.backtrader_engine.commission import DeskCommission
from runners.engines.backtrader_engine.feed import ArrayFeed, bar_length, time_numbers
from runners.engines.backtrader_engine.recorder import Recorder
from runners.engines.backtrader_engine.warm_up import WarmUp, bars_before
from runners.engines.base import Point, PointFailure, PointResult, PriceSeries, RunSettings, SettingsError
from runners.engines.error_text import error_text
from runners.engines.raw_metrics import raw_metrics
from strategies.parameters import convert_all
from strategies.registry import Entry, resolve

try:
    import numpy
except ImportError:  # Strategies may use it; the desk does without.
    numpy = None  # type: ignore[assignment]


class TooFewBarsError(Exception):
    """The run's window is shorter than a strategy's indicators need."""


class BacktraderEngine:
    """Stock mode: Backtrader's own loop, broker and indicators, unchanged."""

    key = "backtrader"

    def run(
        self,
        settings: RunSettings,
        prices: Sequence[PriceSeries],
        points: Sequence[Point],
        on_start: Callable[[int], None],
    ) -> Iterator[PointResult | PointFailure]:
        """One outcome a point, in their order. A strategy that raises costs its own point only."""
        feeds: _Feeds | None = None
        for point in points:
            on_start(point.ordinal)
            try:
                feeds = feeds or _Feeds(settings, prices)
                yield _run_point(settings, feeds, point)
            except GeneratorExit:
                raise
            except MemoryError as error:
                yield PointFailure(point.ordinal, "memory", error_text(error))
            # Also SystemExit and KeyboardInterrupt: a strategy that calls sys.exit() ends its point only.
            except BaseException as error:
                yield PointFailure(point.ordinal, "strategy", error_text(error))


class _Feeds:
    """What all points of an item share: prices in Backtrader's terms."""

    def __init__(self, settings: RunSettings, prices: Sequence[PriceSeries]) -> None:
        self.prices = prices
        self.timeframe, self.compression = bar_length(settings.timeframe)
        self.numbers = [time_numbers(series.epochs) for series in prices]
        self.epochs = {
            number: epoch
            for series, numbers in zip(prices, self.numbers, strict=True)
            for number, epoch in zip(numbers, series.epochs, strict=True)
        }
        empty = [series.symbol for series in prices if not len(series)]
        if empty or not prices:
            raise SettingsError(f"no prices of {', '.join(empty) or 'any symbol'} in the run's window")

    def add_to(self, cerebro: Any) -> None:
        for series, numbers in zip(self.prices, self.numbers, strict=True):
            feed = ArrayFeed(
                series=series, numbers=numbers, timeframe=self.timeframe, compression=self.compression
            )
            cerebro.adddata(feed, name=series.symbol)


def _run_point(settings: RunSettings, feeds: _Feeds, point: Point) -> PointResult:
    began = time.perf_counter()
    entry: Entry = resolve(settings.entry_point)
    parameters = convert_all(entry.parameters, point.parameters)
    seed_generators(settings.seed, parameters)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(settings.cash)
    cerebro.broker.addcommissioninfo(DeskCommission.of(settings.commission))
    if settings.slippage:
        cerebro.broker.set_slippage_perc(settings.slippage)
    feeds.add_to(cerebro)
    if settings.warm_up_bars:
        cerebro.addindicator(WarmUp, bars=bars_before(feeds.prices[0], settings.start_date))
    cerebro.addstrategy(entry.strategy, **parameters)
    cerebro.addanalyzer(Recorder, epochs=feeds.epochs, _name="recorder")
    strategies = _executed(cerebro)
    if not strategies:
        raise RuntimeError("the strategy skipped itself (StrategySkipError)")
    account = strategies[0].analyzers.recorder.account(
        since=settings.start_date if settings.warm_up_bars else None
    )
    metrics = raw_metrics(account, settings)
    metrics["bars"] = sum(len(data) for data in cerebro.datas)
    metrics["duration"] = time.perf_counter() - began
    return PointResult(
        ordinal=point.ordinal,
        metrics=metrics,
        sessions=list(account.sessions),
        equity=list(account.equity),
        trades=list(account.trades),
    )


def _executed(cerebro: Any) -> Any:
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
        raise


def seed_generators(seed: int, parameters: Mapping[str, object]) -> None:
    """Seed Python's and numpy's generators for one point.

    From the run's seed and the point's parameters, not its place in the search: an equal point of another
    search must give the same numbers.
    """
    text = f"{seed} {json.dumps(parameters, sort_keys=True)}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    random.seed(number)
    if numpy is not None:
        numpy.random.seed(number)
