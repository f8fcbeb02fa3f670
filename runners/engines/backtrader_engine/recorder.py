"""Writes down what happened in a Backtrader run: equity on every bar, fills, closed trades."""

from __future__ import annotations

import datetime as dt
import math
from array import array
from collections import deque
from collections.abc import Mapping
from typing import Any

import backtrader as bt

from runners.engines.base import ClosedTrade
from runners.engines.raw_metrics import Account

UTC = dt.UTC


class _Position:
    """Fills of one symbol and trade id, cut into trades as Backtrader cuts them."""

    def __init__(self) -> None:
        self.size = 0.0
        self._opened = 0.0
        self._closings: list[tuple[float, float]] = []
        self.finished: deque[tuple[float, float]] = deque()
        """(signed size, average exit price) of trades that have closed and not been collected."""

    def fill(self, size: float, price: float) -> None:
        if not size:
            return
        if self.size * size >= 0:
            self._opened += size
        else:
            self._closings.append((abs(size), price))
        self.size += size
        if not self.size:
            self.finished.append((self._opened, self._exit_price()))
            self._opened, self._closings = 0.0, []

    def _exit_price(self) -> float:
        if len(self._closings) == 1:
            return self._closings[0][1]
        shares = math.fsum(shares for shares, _ in self._closings)
        return math.fsum(shares * price for shares, price in self._closings) / shares


class Recorder(bt.Analyzer):  # type: ignore[misc]
    """`epochs` maps Backtrader's time numbers back to the UTC seconds of the bars, without rounding."""

    params = (("epochs", None),)

    def start(self) -> None:
        self.numbers = array("d")
        self.values = array("d")
        self.exposed = bytearray()
        self.trades: list[ClosedTrade] = []
        self._filled_orders: set[int] = set()
        self._fees: list[float] = []
        self._values_traded: list[float] = []
        self._positions: dict[tuple[str, int], _Position] = {}

    # Backtrader's Analyzer sends prenext and nextstart here as well, so this sees every bar.
    def next(self) -> None:
        broker = self.strategy.broker
        self.numbers.append(self.strategy.lines.datetime[0])
        self.values.append(broker.getvalue())
        self.exposed.append(any(position.size for position in broker.positions.values()))

    def notify_order(self, order: Any) -> None:
        for bit in order.executed.iterpending():
            self._filled_orders.add(order.ref)
            self._fees.append(bit.closedcomm + bit.openedcomm)
            self._values_traded.append(abs(bit.size * bit.price))
            position = self._positions.setdefault((order.data._name, order.tradeid), _Position())
            position.fill(bit.closed, bit.price)
            position.fill(bit.opened, bit.price)

    def notify_trade(self, trade: Any) -> None:
        if not trade.isclosed:
            return
        symbol = trade.data._name
        size, exit_price = self._positions[(symbol, trade.tradeid)].finished.popleft()
        self.trades.append(
            ClosedTrade(
                symbol=symbol,
                entry_time=self._time(trade.dtopen),
                exit_time=self._time(trade.dtclose),
                size=float(size),
                entry_price=trade.price,
                exit_price=exit_price,
                profit=trade.pnlcomm,
                fees=trade.commission,
            )
        )

    def _time(self, number: float) -> dt.datetime:
        epochs: Mapping[float, int] = self.p.epochs
        return dt.datetime.fromtimestamp(epochs[number], UTC)

    def account(self) -> Account:
        """The run's account by session: the last bar of each UTC date closes it."""
        sessions: list[dt.date] = []
        equity: list[float] = []
        exposed: list[bool] = []
        for number, value, held in zip(self.numbers, self.values, self.exposed, strict=True):
            session = self._time(number).date()
            if sessions and sessions[-1] == session:
                equity[-1], exposed[-1] = value, bool(held)
            else:
                sessions.append(session)
                equity.append(value)
                exposed.append(bool(held))
        return Account(
            sessions=sessions,
            equity=equity,
            exposed=exposed,
            total_orders=len(self._filled_orders),
            total_fees=math.fsum(self._fees),
            traded_value=math.fsum(self._values_traded),
            trades=self.trades,
        )
