"""What all points of a work item share: prices in Backtrader's terms."""

from __future__ import annotations

import datetime as dt
import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from runners.engines.backtrader.fast_feed import SharedFeed
from runners.engines.backtrader.feed import ArrayFeed, bar_length, time_numbers
from runners.engines.backtrader.longer_bars import longer_bars
from runners.engines.backtrader.timeline import Timeline
from runners.engines.base import AdjustedPrices, RunSettings, SettingsError
from strategies.contracts import SHARE
from strategies.session_days import UTC_DAYS, session_days


class DataSet:
    """Prices of a run and what is derived from them once.

    `prices` are those of its symbols, then of each longer timeframe those of all symbols again.
    """

    def __init__(self, settings: RunSettings, prices: Sequence[AdjustedPrices]) -> None:
        days = session_days(settings.session_days) or (UTC_DAYS,) * len(prices)
        self.symbols = len(prices)
        self.lengths = [settings.timeframe] * len(prices)
        self.days = days
        traded, prices = prices, list(prices)
        for timeframe in settings.resample:
            prices += [longer_bars(one, timeframe, day) for one, day in zip(traded, days, strict=True)]
            self.lengths += [timeframe] * len(traded)
            self.days += days
        self.prices: Sequence[AdjustedPrices] = prices
        self.numbers = [time_numbers(series.epochs) for series in prices]
        self.epochs = {
            number: epoch
            for series, numbers in zip(prices, self.numbers, strict=True)
            for number, epoch in zip(numbers, series.epochs, strict=True)
        }
        self.contracts = settings.contracts
        self.splits = {
            symbol: tuple((float(day.toordinal()), factor) for day, factor in steps)
            for symbol, steps in settings.splits.items()
        }
        empty = [series.symbol for series in traded if not len(series)]
        if empty or not traded:
            raise SettingsError(f"no prices of {', '.join(empty) or 'any symbol'} in the run's window")

    @cached_property
    def timeline(self) -> Timeline:
        return Timeline(self.prices, self.numbers, self.epochs, self.days)

    def bars_before(self, start: dt.date) -> int:
        """How many bars of the first symbol are of sessions before the window."""
        return bisect_left(self.prices[0].epochs, start, key=self.days[0].date)

    @cached_property
    def columns(self) -> list[dict[str, array[float]]]:
        """The arrays of each feed's lines by name; points share them, so that there is one copy of each."""
        longest = max(len(series) for series in self.prices)
        nothing = array("d", [math.nan]) * longest
        return [
            {
                "datetime": numbers,
                "open": series.open,
                "high": series.high,
                "low": series.low,
                "close": series.close,
                "volume": series.volume,
                "openinterest": nothing if len(series) == longest else nothing[: len(series)],
            }
            for series, numbers in zip(self.prices, self.numbers, strict=True)
        ]

    def add_to(self, cerebro: Any, *, shared: bool) -> None:
        """Add one feed a symbol; `shared` ones take whole arrays where they can, others load bar by bar."""
        for place, (series, numbers) in enumerate(zip(self.prices, self.numbers, strict=True)):
            timeframe, compression = bar_length(self.lengths[place])
            parameters: dict[str, Any] = {
                "series": series,
                "numbers": numbers,
                "timeframe": timeframe,
                "compression": compression,
            }
            kind: Any = ArrayFeed
            if shared:
                kind, parameters["columns"] = SharedFeed, self.columns[place]
            feed = kind(**parameters)
            # What strategies and fees count shares of the day by.
            feed.splits = self.splits.get(series.symbol, ())
            if place >= self.symbols:
                feed.longer_of = cerebro.datas[place % self.symbols]
            feed.contract = self.contracts.get(series.symbol, SHARE)
            cerebro.adddata(feed, name=series.symbol)
