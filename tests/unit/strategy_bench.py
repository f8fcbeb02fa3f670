"""Strategies on bars written by hand or generated, run by plain Backtrader."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from typing import Any

import backtrader as bt

from runners.engines.backtrader.feed import ArrayFeed, time_numbers
from runners.engines.base import AdjustedPrices
from strategies.market_calendar import Session, market_calendar


def played(
    strategy: Any, *series: AdjustedPrices, cash: float = 100_000.0, minutes: int = 0, **parameters: object
) -> Any:
    """The strategy after its run; `minutes` is the bars' length, 0 for daily ones."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(cash)
    length: dict[str, Any] = {"timeframe": bt.TimeFrame.Minutes, "compression": minutes} if minutes else {}
    for one in series:
        feed = ArrayFeed(series=one, numbers=time_numbers(one.epochs), **length)
        cerebro.adddata(feed, name=one.symbol)
    cerebro.addstrategy(strategy, **parameters)
    return cerebro.run()[0]


def minute_bars(
    sessions: Sequence[Session], *, minutes: int = 1, seed: int = 1, symbol: str = "X", gaps: float = 0.0
) -> AdjustedPrices:
    """A random walk over whole sessions; `gaps` is the share of bars that are missing."""
    generator, price = random.Random(seed), 100.0
    rows: list[tuple[int, float, float, float, float, float]] = []
    for session in sessions:
        price *= 1 + generator.gauss(0, 0.003)
        for at in range(session.open, session.close, minutes * 60):
            opened, price = price, price * (1 + generator.gauss(0, 0.0004))
            if generator.random() >= gaps:
                rows.append((at, opened, max(opened, price), min(opened, price), price, 100.0))
    epochs, *columns = zip(*rows, strict=True)
    return AdjustedPrices.from_rows(symbol, list(epochs), *(list(column) for column in columns))


def sessions(first: str, count: int) -> Sequence[Session]:
    day = dt.date.fromisoformat(first)
    return market_calendar().between(day, day + dt.timedelta(days=count * 2 + 10))[:count]


Action = Callable[[Any], None]
