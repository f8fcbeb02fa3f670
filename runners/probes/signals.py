"""What a strategy asked of its broker, and when: the trace that probes compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import backtrader as bt

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Commission, Point, PointFailure, RunSettings
from runners.prices.dates import date_of
from strategies.bar_time import epoch
from strategies.registry import RegisteredStrategy


@dataclass(frozen=True)
class Signal:
    """An order as it was made; `time` is that of the bar that it was decided on, in UTC seconds."""

    time: int
    symbol: str
    size: float
    kind: str
    price: float | None

    def __str__(self) -> str:
        side = "buy" if self.size > 0 else "sell"
        at = "" if self.price is None else f" at {self.price:g}"
        return f"{date_of(self.time)}: {side} {abs(self.size):g} {self.symbol}, {self.kind}{at}"


@dataclass(frozen=True)
class Trace:
    """One run's signals; `error` where the strategy raised. `ending` is the account's last value."""

    signals: tuple[Signal, ...]
    ending: float
    error: str | None = None
    cheats_on_open: bool = False

    def until(self, time: int) -> tuple[Signal, ...]:
        """Signals decided on that bar or before."""
        return tuple(signal for signal in self.signals if signal.time <= time)


class OrderTrace(bt.Analyzer):  # type: ignore[misc]
    """Every order once, at its first notification, or at the end those of the last bar, which have none."""

    def start(self) -> None:
        self.signals: list[Signal] = []
        self.cheats_on_open = False
        self.seen: set[int] = set()

    def notify_order(self, order: Any) -> None:
        self.take(order)

    def stop(self) -> None:
        self.cheats_on_open = bool(self.strategy.cerebro.p.cheat_on_open)
        for order in self.strategy.broker.orders:
            self.take(order)

    def take(self, order: Any) -> None:
        if order.ref in self.seen:
            return
        self.seen.add(order.ref)
        made = order.created
        price = None if order.exectype == bt.Order.Market else made.price
        self.signals.append(
            Signal(epoch(made.dt), str(order.data._name), float(made.size), order.getordername(), price)
        )

    def get_analysis(self) -> tuple[list[Signal], bool]:
        return self.signals, self.cheats_on_open


def traced(
    entry: RegisteredStrategy,
    prices: Sequence[AdjustedPrices],
    parameters: Mapping[str, object],
    *,
    timeframe: str = "1d",
    seed: int = 0,
    stock: bool = False,
) -> Trace:
    """Run the strategy over all of these prices."""
    engine = BacktraderEngine({"signals": OrderTrace})
    settings = RunSettings(
        optimization_run_id=0,
        strategy=entry.name,
        entry_point=entry.name,
        engine="backtrader",
        symbols=tuple(series.symbol for series in prices),
        timeframe=timeframe,
        start_date=date_of(min(series.epochs[0] for series in prices)),
        end_date=date_of(max(series.epochs[-1] for series in prices)),
        cash=100_000.0,
        commission=Commission(percent=0.001),
        slippage=0.0,
        seed=seed,
        data_hash="",
        code_hash="",
        stock=stock,
        seconds_per_point=0.0,
        memory_mb=0.0,
        block_count=0,
        resample=entry.resample,
    )
    (outcome,) = engine.run(settings, prices, [Point(1, parameters)], lambda _: None)
    if isinstance(outcome, PointFailure):
        return Trace((), 0.0, outcome.error)
    ending = outcome.metrics["ending_value"]
    assert isinstance(ending, float | int)
    signals, cheats_on_open = engine.analyses["signals"]
    return Trace(tuple(signals), float(ending), cheats_on_open=cheats_on_open)


def cut(prices: Sequence[AdjustedPrices], last: int) -> list[AdjustedPrices]:
    """The same prices up to and including that time."""
    return [_part(series, sum(1 for time in series.epochs if time <= last)) for series in prices]


def _part(series: AdjustedPrices, bars: int) -> AdjustedPrices:
    columns = (series.open, series.high, series.low, series.close, series.volume)
    return AdjustedPrices.from_rows(
        series.symbol, series.epochs[:bars], *(column[:bars] for column in columns)
    )


def since(prices: Sequence[AdjustedPrices], first: int) -> list[AdjustedPrices]:
    """The same prices from that time on."""
    later = []
    for series in prices:
        begin = sum(1 for time in series.epochs if time < first)
        columns = (series.open, series.high, series.low, series.close, series.volume)
        rows = (column[begin:] for column in columns)
        later.append(AdjustedPrices.from_rows(series.symbol, series.epochs[begin:], *rows))
    return later
