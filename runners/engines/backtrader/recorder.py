"""Writes down what happened in a Backtrader run: equity on every bar, fills, closed trades."""

from __future__ import annotations

import datetime as dt
import math
from array import array
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import backtrader as bt

from runners.engines.backtrader.fast_equity import EquityLog
from runners.engines.backtrader.timeline import Timeline
from runners.engines.base import ClosedTrade, OpenPosition
from runners.engines.raw_metrics import Account
from strategies.contracts import contract_of
from strategies.shares import day_shares

UTC = dt.UTC


@dataclass(frozen=True)
class Filled:
    """A finished trade's fills: opened shares (negative for a short) and average prices."""

    size: float
    entry_price: float
    exit_price: float


class FilledPosition:
    """Fills of one symbol and trade id, cut into trades as Backtrader cuts them."""

    def __init__(self, symbol: str, multiplier: float = 1.0) -> None:
        self.symbol = symbol
        self._multiplier = multiplier
        self._size = 0.0
        self._entered = 0.0
        self._fees = 0.0
        self._openings: list[tuple[float, float]] = []
        self._closings: list[tuple[float, float]] = []
        self.finished: deque[Filled] = deque()

    def fill(self, size: float, price: float, fee: float, time: float) -> None:
        if not size:
            return
        # A strategy may order numpy's numbers, which JSON does not take.
        size, price = float(size), float(price)
        if not self._size:
            self._entered = time
        self._fees += float(fee)
        (self._openings if self._size * size >= 0 else self._closings).append((size, price))
        self._size += size
        if not self._size:
            opened = math.fsum(shares for shares, _ in self._openings)
            self.finished.append(Filled(opened, _average(self._openings), _average(self._closings)))
            self._openings, self._closings, self._fees = [], [], 0.0

    def still_open(
        self, close: float, now: float, time: Callable[[float], dt.datetime]
    ) -> OpenPosition | None:
        """What is left of it at the newest close of its data, `now`; None of a position that is closed."""
        if not self._size:
            return None
        fills = (*self._openings, *self._closings)
        return OpenPosition(
            symbol=self.symbol,
            entry_time=time(self._entered),
            size=self._size,
            opened=math.fsum(shares for shares, _ in self._openings),
            entry_price=_average(self._openings),
            last_time=time(now),
            last_close=close,
            profit=math.fsum(shares * (close - price) for shares, price in fills)
            * self._multiplier,
            fees=self._fees,
        )


def _average(fills: list[tuple[float, float]]) -> float:
    # Backtrader's own average of a single price is size * price / size, which need not be that price.
    if len(fills) == 1:
        return fills[0][1]
    shares = math.fsum(shares for shares, _ in fills)
    return math.fsum(shares * price for shares, price in fills) / shares


class Recorder(bt.Analyzer):  # type: ignore[misc]
    """`epochs` maps Backtrader's time numbers back to the UTC seconds of the bars, without rounding."""

    params = (("epochs", None),)

    def start(self) -> None:
        self.values = array("d")
        self.exposed = bytearray()
        self.trades: list[ClosedTrade] = []
        self.open_positions: list[OpenPosition] = []
        self._filled_orders: set[int] = set()
        self._refused_for_cash: set[int] = set()
        self._refused_otherwise: set[int] = set()
        self._fees: list[float] = []
        self._values_traded: list[float] = []
        self._spent: list[float] = []
        self._sizes: list[float] = []
        self.sizes_before_splits: dict[str, list[float]] = {}
        self._positions: dict[tuple[str, int], FilledPosition] = {}

    # Backtrader's Analyzer sends prenext and nextstart here as well, so this sees every bar.
    def next(self) -> None:
        broker = self.strategy.broker
        self.values.append(broker.getvalue())
        self.exposed.append(any(position.size for position in broker.positions.values()))

    def notify_order(self, order: Any) -> None:
        for bit in order.executed.iterpending():
            self._filled_orders.add(order.ref)
            self._fees.append(bit.closedcomm + bit.openedcomm)
            value = bit.size * bit.price * contract_of(order.data).multiplier
            self._values_traded.append(abs(value))
            self._spent += (value, self._fees[-1])
            self._sizes.append(bit.size)
            if bit.opened and day_shares(order.data) != 1.0:
                self.sizes_before_splits.setdefault(order.data._name, []).append(abs(bit.opened))
            key = (order.data._name, order.tradeid)
            if (position := self._positions.get(key)) is None:
                multiplier = contract_of(order.data).multiplier
                position = self._positions[key] = FilledPosition(order.data._name, multiplier)
            position.fill(bit.closed, bit.price, bit.closedcomm, bit.dt)
            position.fill(bit.opened, bit.price, bit.openedcomm, bit.dt)
        if order.status == order.Margin:
            self._refused_for_cash.add(order.ref)
        elif order.status == order.Rejected:
            self._refused_otherwise.add(order.ref)

    def notify_trade(self, trade: Any) -> None:
        if not trade.isclosed:
            return
        symbol = trade.data._name
        filled = self._positions[(symbol, trade.tradeid)].finished.popleft()
        self.trades.append(
            ClosedTrade(
                symbol=symbol,
                entry_time=self._time(trade.dtopen),
                exit_time=self._time(trade.dtclose),
                size=filled.size,
                entry_price=filled.entry_price,
                exit_price=filled.exit_price,
                profit=float(trade.pnlcomm),
                fees=float(trade.commission),
            )
        )

    @property
    def spent(self) -> float:
        """Money that fills and their fees took out of the account; negative where they brought more."""
        return math.fsum(self._spent)

    @property
    def traded_value(self) -> float:
        return math.fsum(self._values_traded)

    @property
    def held(self) -> float:
        """Signed shares of all symbols that the fills leave."""
        return math.fsum(self._sizes)

    def stop(self) -> None:
        feeds = {data._name: data for data in self.datas}
        still = (
            position.still_open(float(data.close[0]), data.datetime[0], self._time)
            for position in self._positions.values()
            for data in (feeds[position.symbol],)
        )
        self.open_positions = [position for position in still if position is not None]

    def _time(self, number: float) -> dt.datetime:
        epochs: Mapping[float, int] = self.p.epochs
        if number not in epochs:
            # Of a feed that the strategy made itself.
            made: dt.datetime = bt.num2date(number)
            return made.replace(tzinfo=UTC)
        return dt.datetime.fromtimestamp(epochs[number], UTC)

    def take(self, log: EquityLog) -> None:
        """Take the values of every bar from a loop that did not call next()."""
        self.values, self.exposed = log.values, log.exposed

    def account(self, timeline: Timeline, *, since: dt.date | None = None) -> Account:
        """The run's account by session: the last bar of each session closes it; earlier ones are warm-up."""
        sessions, ends = timeline.session_ends(len(self.values), since)
        return Account(
            sessions=sessions,
            equity=[self.values[end] for end in ends],
            exposed=[bool(self.exposed[end]) for end in ends],
            held=self._held(timeline, ends),
            total_orders=len(self._filled_orders),
            total_fees=math.fsum(self._fees),
            traded_value=self.traded_value,
            trades=self.trades,
            refused_for_cash=len(self._refused_for_cash),
            refused_otherwise=len(self._refused_otherwise),
            open_positions=self.open_positions,
        )

    def _held(self, timeline: Timeline, ends: Sequence[int]) -> float:
        """Sum over the sessions of the share of their bars that ended with a position."""
        if not ends:
            return 0.0
        first = timeline.begin(ends[0])
        if ends[-1] - first + 1 == len(ends):
            return float(sum(self.exposed[first : ends[-1] + 1]))
        begins = [first, *(end + 1 for end in ends[:-1])]
        return math.fsum(
            sum(self.exposed[begin : end + 1]) / (end + 1 - begin)
            for begin, end in zip(begins, ends, strict=True)
        )
