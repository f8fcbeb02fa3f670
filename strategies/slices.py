"""LEAN's symbols, securities and slices, over Backtrader's data feeds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from strategies.bar_time import epoch
from strategies.consolidators import Bar, period_seconds
from strategies.portfolio import Holding


class Symbol(str):
    """A symbol's name, with LEAN's `value`."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


class Security:
    """A symbol's newest prices and its holding."""

    def __init__(self, feed: Any, holdings: Holding) -> None:
        self.feed = feed
        self.symbol = Symbol(feed._name)
        self.holdings = holdings

    @property
    def has_data(self) -> bool:
        return len(self.feed) > 0

    @property
    def invested(self) -> bool:
        return self.holdings.invested

    @property
    def price(self) -> float:
        return self._newest("close")

    @property
    def open(self) -> float:
        return self._newest("open")

    @property
    def high(self) -> float:
        return self._newest("high")

    @property
    def low(self) -> float:
        return self._newest("low")

    @property
    def close(self) -> float:
        return self._newest("close")

    @property
    def volume(self) -> float:
        return self._newest("volume")

    def _newest(self, line: str) -> float:
        return float(getattr(self.feed, line)[0]) if len(self.feed) else 0.0


class Bars:
    """The bars of one moment, by symbol: those feeds that have a new one."""

    def __init__(self, strategy: Any) -> None:
        now = strategy.lines.datetime[0]
        # A feed that misses a session still stands at its last bar.
        self._feeds = {
            data._name: data for data in strategy.traded_feeds if len(data) and data.datetime[0] == now
        }

    def contains_key(self, symbol: Any) -> bool:
        return symbol in self

    def __contains__(self, symbol: Any) -> bool:
        return str(symbol) in self._feeds

    def __getitem__(self, symbol: Any) -> Bar:
        data = self._feeds[str(symbol)]
        began = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=epoch(data.datetime[0]))
        return Bar(
            data._name, began, began + dt.timedelta(seconds=period_seconds(data)),
            data.open[0], data.high[0], data.low[0], data.close[0], data.volume[0],
        )  # fmt: skip

    def get(self, symbol: Any, default: Any = None) -> Any:
        return self[symbol] if str(symbol) in self._feeds else default

    def __iter__(self) -> Iterator[Symbol]:
        return (Symbol(name) for name in self._feeds)

    def keys(self) -> list[Symbol]:
        return list(self)

    def values(self) -> list[Bar]:
        return [self[name] for name in self._feeds]

    def items(self) -> list[tuple[Symbol, Bar]]:
        return [(name, self[name]) for name in self]

    def __len__(self) -> int:
        return len(self._feeds)


class Slice(Bars):
    """LEAN's on_data argument: `slice.bars[symbol]`, `slice[symbol]`, `slice.contains_key(symbol)`."""

    def __init__(self, strategy: Any) -> None:
        super().__init__(strategy)
        self.bars: Bars = self
        self.time = strategy.bar_time()
