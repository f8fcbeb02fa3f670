"""`DBLogger`: orders in all their states, positions, trades, risk events and the account, as rows.

A backtest's child has no connection: rows go through its run's buffer to the runner, which records them.
Where there is no run, they stay in `rows`. Times are UTC seconds of the bar.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

from strategies import run_context
from strategies.bar_time import epoch
from strategies.contracts import contract_of
from strategies.risk_events import RiskEvent
from strategies.run_context import RowBuffer
from strategies.session_rows import Row
from strategies.trading_days import TradingDays


@dataclass
class _Day:
    """What a session has brought so far."""

    day: int
    begin: float
    low: float
    high: float
    orders: int = 0
    fills: int = 0
    trades: int = 0
    profit: float = 0.0
    fees: float = 0.0
    risk_events: int = 0


class DBLogger:
    """Writes down one strategy. On a BaseStrategy it hears by itself; else call its three helpers.

    `snapshot_bars`: a snapshot of the account every so many bars; 0 is one at the end of each session in
    which cash or positions have changed, since the value of every session is in its daily summary. The
    helpers may be called as well: nothing is written twice.
    """

    def __init__(self, strategy: Any, *, snapshot_bars: int = 0) -> None:
        self.strategy = strategy
        self.rows: list[Row] = []
        self._snapshot_bars = snapshot_bars
        buffer = run_context.current().rows
        self._buffer = buffer if buffer is not None else RowBuffer(self.rows.extend, at_once=1)
        self._sizes: dict[str, float] = {}
        self._last_state: dict[int, tuple[int, float]] = {}
        self._trades_seen: set[int] = set()
        self._orders_seen: set[int] = set()
        self._bar = -1
        self._changed = True
        """Whether cash or positions are others than at the last snapshot."""
        self._opened: dict[str, float] = defaultdict(float)
        self._closed: dict[str, deque[float]] = defaultdict(deque)
        self._value = float(strategy.broker.getvalue())
        self._pending_snapshot: tuple[object, ...] | None = None
        self._days = TradingDays(strategy)
        self._closes = {data._name: data.close for data in strategy.datas}
        self._multipliers = {data._name: contract_of(data).multiplier for data in strategy.datas}
        self._today = _Day(-1, self._value, self._value, self._value)
        names = [data._name for data in strategy.datas]
        self._opening = ("open", names, float(strategy.broker.getcash()))
        self._open()
        self._attach()

    # The helpers

    def notify_order(self, order: Any) -> None:
        """An order's state has changed."""
        executed = float(order.executed.size)
        if self._last_state.get(order.ref) == (order.status, executed):
            return
        self._last_state[order.ref] = (order.status, executed)
        symbol, now = order.data._name, self._now()
        self._roll_day(now)
        if order.ref not in self._orders_seen:
            self._orders_seen.add(order.ref)
            self._today.orders += 1
        created = order.created
        self._add(
            "order_events", now, order.ref, order.getstatusname().lower(), symbol,
            "buy" if order.isbuy() else "sell", order.getordername().lower(), float(created.size),
            _number(created.price), _number(created.pricelimit), executed, _number(order.executed.price),
            float(order.executed.comm), str(order.info["tag"]) if order.info.get("tag") else None,
        )  # fmt: skip
        for bit in order.executed.iterpending():
            if bit is None:
                break
            fee = float(bit.closedcomm + bit.openedcomm)
            self._today.fills += 1
            self._today.fees += fee
            self._add("fills", now, order.ref, symbol, float(bit.size), float(bit.price), fee)
            average = _number(bit.pprice)
            if bit.closed:
                self._position(now, symbol, float(bit.closed), float(bit.price), average, float(bit.pnl))
            if bit.opened:
                self._position(now, symbol, float(bit.opened), float(bit.price), average, None)

    def notify_trade(self, trade: Any) -> None:
        """A trade has opened or closed; closed ones are written."""
        if not trade.isclosed or trade.ref in self._trades_seen:
            return
        self._trades_seen.add(trade.ref)
        self._roll_day(self._now())
        self._today.trades += 1
        self._today.profit += float(trade.pnlcomm)
        symbol, profit = trade.data._name, float(trade.pnl)
        size = self._closed[symbol].popleft() if self._closed[symbol] else 0.0
        entry, cost = float(trade.price), size * contract_of(trade.data).multiplier
        self._add(
            "session_trades", symbol, epoch(trade.dtopen), epoch(trade.dtclose), size, entry,
            entry + profit / cost if cost else None, profit, float(trade.pnlcomm), float(trade.commission),
        )  # fmt: skip

    def on_next(self) -> None:
        """A bar is over: the account as it is now."""
        bar = len(self.strategy)
        if bar == self._bar:
            return
        self._bar = bar
        now = self._days.now()
        self._roll_day(now)
        self._value = value = float(self.strategy.broker.getvalue())
        today = self._today
        if value < today.low:
            today.low = value
        elif value > today.high:
            today.high = value
        if self._snapshot_bars:
            if bar % self._snapshot_bars == 0:
                self._add("portfolio_snapshots", *self._account(now))
        elif self._changed:
            # Which bar is a session's last is known when the next one begins.
            self._pending_snapshot = self._account(now)
            self._changed = self._days.intraday

    def on_risk_manager(self, manager: Any) -> None:
        """A risk manager was made after the session had opened."""
        manager.listeners.append(self.on_risk_event)
        self._open()

    def on_risk_event(self, event: RiskEvent) -> None:
        self._roll_day(self._now())
        self._today.risk_events += event.severity != "info"
        self._add(
            "risk_events", self._now(), event.limit, event.severity, event.message, _number(event.observed),
            _number(event.threshold), event.symbol, _number(event.size), _number(event.price),
        )  # fmt: skip

    def finish(self) -> None:
        """The run is over."""
        if len(self.strategy):
            self._pending_snapshot = self._account(self._now())
        self._end_day()
        self._add("session", "finished", None, None, None, None)
        self._buffer.flush()

    # Inside

    def _attach(self) -> None:
        strategy = self.strategy
        if not hasattr(strategy, "each_order"):
            return
        strategy.each_order(self.notify_order)
        strategy.each_trade(self.notify_trade)
        strategy.after_each_bar(self.on_next)
        strategy.at_the_end(self.finish)
        strategy.db_logger = self
        for check in strategy.order_checks:
            if hasattr(check, "listeners"):
                check.listeners.append(self.on_risk_event)

    def _open(self) -> None:
        manager = getattr(self.strategy, "risk_manager", None)
        self._add("session", *self._opening, manager and manager.limits.as_dict(), None)

    def _add(self, table: str, *values: object) -> None:
        self._buffer.add(table, values)

    def _position(
        self, now: int, symbol: str, change: float, price: float, average: float | None, profit: float | None
    ) -> None:
        self._changed = True
        before = self._sizes.get(symbol, 0.0)
        after = before + change
        self._sizes[symbol] = after
        grows = abs(after) > abs(before)
        if grows:
            kind = "add" if before else "entry"
            self._opened[symbol] += change
        else:
            kind = "reduce" if after else "exit"
            if not after:
                self._closed[symbol].append(self._opened.pop(symbol))
        self._add("position_history", now, symbol, kind, before, after, price, average, profit)

    def _account(self, now: int) -> tuple[object, ...]:
        positions = {symbol: size for symbol, size in self._sizes.items() if size}
        gross = sum(
            [
                abs(size) * self._closes[symbol][0] * self._multipliers[symbol]
                for symbol, size in positions.items()
            ]
        )
        value = self._value
        cash = float(self.strategy.broker.getcash())
        return now, cash, value, gross / value if value > 0 else None, positions

    def _roll_day(self, now: int) -> None:
        day = self._days.day(now)
        if day != self._today.day:
            self._end_day()
            self._today = _Day(day, self._value, self._value, self._value)

    def _end_day(self) -> None:
        if self._pending_snapshot is not None:
            self._add("portfolio_snapshots", *self._pending_snapshot)
            self._pending_snapshot = None
            self._changed = False
        today = self._today
        if today.day >= 0:
            self._add(
                "daily_summaries", today.day, today.begin, self._value, today.low, today.high, today.orders,
                today.fills, today.trades, today.profit, today.fees, today.risk_events,
            )  # fmt: skip

    def _now(self) -> int:
        return self._days.now() if len(self.strategy) else 0


def _number(value: Any) -> float | None:
    """JSON and numeric columns know neither NaN nor infinity."""
    if value is None:
        return None
    number = float(value)
    return number if abs(number) < float("inf") else None
