"""`RiskManager`: limits that hold whether a strategy asks or not.

Once made, it stands between the strategy and the broker: an order that breaks a limit is not sent. Prices may
still move after an order was let through; what is promised is that every order, at the price at which it was
judged and with all pending orders filled, kept every limit. An order that only reduces a position always
passes, since a position that one cannot leave is the greater risk.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from strategies import run_context
from strategies.bar_time import moment
from strategies.order_flow import OrderRequest, request_of
from strategies.risk_events import Breach, RiskEvent, Severity
from strategies.risk_limits import RiskLimits
from strategies.risk_rules import TINY, RiskRules, State, share
from strategies.trading_days import TradingDays


class RiskManager:
    """Watches one strategy. `limits`: RiskLimits, a dict, a YAML file's path; None takes the run's, else the
    defaults."""

    def __init__(
        self,
        strategy: Any,
        limits: RiskLimits | Mapping[str, object] | str | Path | None = None,
        *,
        calendar: str | None = None,
    ) -> None:
        self.strategy = strategy
        self.limits = RiskLimits.of(limits if limits is not None else run_context.current().risk_limits)
        self.events: list[RiskEvent] = []
        self.listeners: list[Callable[[RiskEvent], None]] = []
        self.rules = RiskRules(strategy, self.limits)
        self.orders_today = 0
        self.halted = ""
        """The loss limit that forbids entries now; empty when they are allowed."""
        self.flattening = False
        self._days = TradingDays(strategy, calendar)
        self._day = -1
        self._watched_share = self.limits.max_concentration
        self._looks_when_asked = not hasattr(strategy, "add_order_check")
        self._looked_at = 0
        self._last_value = self.day_start = self.peak = float(strategy.broker.getvalue())
        self._warned: set[Any] = set()
        self._attach()

    # Asking

    def can_trade(self, size: float, price: float, data: Any = None) -> tuple[bool, str]:
        """Whether an order of `size` (negative sells) at `price` would be let through, and why not."""
        self._refresh()
        feed = data if data is not None else self.strategy.data
        breach = self._breach(OrderRequest(feed, size, price, {}))
        return (True, "ok") if breach is None else (False, breach.message)

    def largest(self, data: Any, price: float) -> float:
        """Whole shares that could be bought at `price`."""
        self._refresh()
        return self.rules.largest(data, price, self._state())

    def _state(self) -> State:
        return State(self.halted or ("flatten" if self.flattening else ""), self.orders_today)

    def _breach(self, request: OrderRequest) -> Breach | None:
        return self.rules.breach(request, self._state())

    # Standing in the way: the protocol of order_flow.OrderCheck

    def refusal(self, request: OrderRequest) -> str | None:
        self._refresh()
        breach = self._breach(request)
        if breach is None:
            return None
        if self.rules.reach(request.data).closes(request.size):
            # An exit beside resting exits: these go, so that the position can be left and not turned round.
            # Backtrader cancels no order on the bar on which it was sent: such a one closes by itself.
            self._cancel_exits(request)
            breach = self._breach(request)
            if breach is None:
                return None
        self._say(breach.limit, "warning", breach.message, breach, request)
        return breach.message

    def sent(self, request: OrderRequest, order: Any) -> None:
        self.orders_today += 1

    def _cancel_exits(self, request: OrderRequest) -> None:
        for order in list(self.rules.pending(request.data)):
            if order.isbuy() == (request.size > 0):
                self.strategy.broker.cancel(order)
                self._say("exit", "info", f"cancelled resting exit {order.ref} for a close", None, request)

    # Watching

    def update(self) -> None:
        """Look at the account on a new bar; called before the strategy sees it."""
        value = float(self.strategy.broker.getvalue())
        day = self._days.day(self._days.now())
        if day != self._day:
            self._new_day(day)
        self._last_value = value
        if value > self.peak:
            self.peak = value
        self._watch_losses(value)
        if self._watched_share is not None:
            self._watch_concentration(value, self._watched_share)
        if self.flattening:
            self._close_all()

    def _watch_losses(self, value: float) -> None:
        limits = self.limits
        if limits.max_drawdown is not None:
            fall = share(self.peak - value, self.peak)
            if fall >= limits.max_drawdown - 1e-12:
                flatten = limits.flatten_on_drawdown
                self._halt("max_drawdown", "Drawdown", fall, limits.max_drawdown, flatten)
                return
        if limits.max_daily_loss is not None:
            loss = share(self.day_start - value, self.day_start)
            if loss >= limits.max_daily_loss - 1e-12:
                flatten = limits.flatten_on_daily_loss
                self._halt("max_daily_loss", "Daily loss", loss, limits.max_daily_loss, flatten)

    def _new_day(self, day: int) -> None:
        self._day = day
        self.day_start = self._last_value
        had, self.orders_today = self.orders_today, 0
        if self.halted == "max_daily_loss":
            self.halted = ""
            had += 1
        # Days on which nothing was counted are not worth an event.
        if had:
            date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
            self._say("day", "info", f"New day: {date}, value {self.day_start:,.2f}")

    def _halt(self, name: str, what: str, observed: float, threshold: float, flatten: bool) -> None:
        if self.halted == name or self.halted == "max_drawdown":
            return
        self.halted = name
        message = f"{what}: {observed:.4%} >= {threshold:.4%}; no new exposure"
        self._say(name, "critical", message, Breach(name, message, observed, threshold))
        if flatten:
            self.flatten(message)

    def _watch_concentration(self, value: float, most: float) -> None:
        position_of = self.strategy.broker.getposition
        for data in self.strategy.datas:
            size = position_of(data).size
            if not size:
                self._warned.discard(data)
                continue
            part = share(abs(size) * data.close[0], value)
            if part <= most * (1 + TINY):
                self._warned.discard(data)
            elif data not in self._warned:
                self._warned.add(data)
                message = f"Concentration of {data._name} has grown to {part:.2%} > {most:.2%}"
                breach = Breach("max_concentration", message, part, most)
                self._say("max_concentration", "warning", message, breach)

    # Acting

    def flatten(self, reason: str = "asked for") -> None:
        """Cancel every order and close every position; no entry until all are closed."""
        self.flattening = True
        self._say("flatten", "critical", f"Closing everything: {reason}")
        self._close_all()

    def resume(self) -> None:
        """Allow entries again after a drawdown; the highest value is counted anew."""
        self.halted = ""
        self.peak = float(self.strategy.broker.getvalue())
        self._say("resume", "info", f"Entries are allowed again, from {self.peak:,.2f}")

    def _close_all(self) -> None:
        held = [data for data in self.strategy.datas if self.strategy.broker.getposition(data).size]
        if not held and not any(self.rules.pending(data) for data in self.strategy.datas):
            self.flattening = False
            return
        for data in self.strategy.datas:
            size = self.strategy.broker.getposition(data).size
            for order in self.rules.pending(data):
                # A market order that closes is on its way already.
                if not (order.exectype == order.Market and order.isbuy() == (size < 0) and size):
                    self.strategy.broker.cancel(order)
            if size and not self.rules.pending(data):
                self.strategy.close(data)

    # Plumbing

    def _say(
        self, limit: str, severity: Severity, message: str, breach: Breach | None = None,
        request: OrderRequest | None = None,
    ) -> None:  # fmt: skip
        bars = len(self.strategy)
        event = RiskEvent(
            moment(self.strategy.lines.datetime[0]) if bars else None,
            limit, severity, message,
            breach.observed if breach else None, breach.threshold if breach else None,
            request.symbol if request else None, request.size if request else None,
            request.price if request else None,
        )  # fmt: skip
        self.events.append(event)
        if severity == "critical" and hasattr(self.strategy, "log_records"):
            self.strategy.log(message, level="critical")
        for listener in self.listeners:
            listener(event)
        notify = getattr(self.strategy, "on_risk_event", None)
        if notify is not None:
            notify(event)

    def _refresh(self) -> None:
        # A plain Backtrader strategy tells nobody of its bars: look when asked.
        if self._looks_when_asked and len(self.strategy) != self._looked_at:
            self._looked_at = len(self.strategy)
            self.update()

    def _attach(self) -> None:
        strategy = self.strategy
        if getattr(strategy, "risk_manager", None) is None:
            strategy.risk_manager = self
        if hasattr(strategy, "add_order_check"):
            strategy.add_order_check(self)
            strategy.before_each_bar(self.update)
            if getattr(strategy, "db_logger", None) is not None:
                strategy.db_logger.on_risk_manager(self)
            return
        for sign, name in ((1, "buy"), (-1, "sell")):
            setattr(strategy, name, partial(self._plain, sign, getattr(strategy, name)))

    def _plain(
        self, sign: int, send: Any, data: Any = None, size: Any = None, *args: Any, **options: Any
    ) -> Any:
        request = request_of(self.strategy, sign, data, size, args, options)
        if not request.size or self.refusal(request) is not None:
            return None
        order = send(request.data, abs(request.size), *args, **options)
        if order is not None:
            self.rules.own_orders.append(order)
            self.sent(request, order)
        return order
