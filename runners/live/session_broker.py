"""The broker that a session's strategy has: Backtrader's, with the gate before it and fills from outside."""

from __future__ import annotations

from typing import Any, Protocol

import backtrader as bt

from runners.live.order_terms import arguments_of, terms_of
from runners.live.stepping import StepBroker
from runners.live.steps import Fill, OrderTerms, Step


class Gate(Protocol):
    """Who allows orders."""

    def submit(self, orders: list[OrderTerms]) -> list[str | None]:
        """A reason against each order, None where it is allowed; a known key gets the answer of before."""
        ...

    def cancel(self, key: str) -> None:
        """Asks for the cancel of an order, which is always taken."""
        ...


class Divergence(Exception):
    """The account as this process has it is not the account as its broker has it."""


class SessionBroker(StepBroker):
    """Accepts, expires, cancels and refuses for lack of cash as Backtrader does; fills only what it is told.

    An order's key is the bar on which it was decided and its number on that bar, so that a strategy that goes
    through the same stream again asks for the same keys.
    """

    def trade_through(self, gate: Gate) -> SessionBroker:
        self._gate = gate
        self._step: Step | None = None
        self._fills: dict[str, Fill] = {}
        self._orders_on_step = 0
        self.keys: dict[int, str] = {}
        """Keys of orders by Backtrader's reference."""
        self._by_key: dict[str, Any] = {}
        return self

    def begin_step(self, step: Step) -> None:
        """To be called before Backtrader sees the step's bars."""
        self._step = step
        self._fills = {fill.key: fill for fill in step.fills}
        self._orders_on_step = 0
        for key in step.dropped:
            if key in self._by_key:
                self._drop(self._by_key[key])
        for terms in step.by_desk:
            self._place(terms)

    def _drop(self, order: Any) -> None:
        """The desk has cancelled it."""
        if order not in self.submitted:
            super().cancel(order)
            return
        # Backtrader has not looked at it yet.
        self.submitted.remove(order)
        order.cancel()
        self.notify(order)
        self._ococheck(order)
        self._bracketize(order, cancel=True)

    def _place(self, terms: OrderTerms) -> None:
        """An order of the desk's own, which the strategy hears of like of one of its own."""
        (owner,) = self.cerebro.runningstrats
        side = self.buy if terms.quantity > 0 else self.sell
        self._own = terms.key
        side(owner, self.cerebro.datasbyname[terms.symbol], by_desk=True, **arguments_of(terms))
        self._own = None

    _own: str | None = None

    # Orders out

    def submit(self, order: Any, check: bool = True) -> Any:
        if self._own is not None:
            self._remember(order, self._own)
            # Where Backtrader looks for exits of an order that was filled.
            self._pchildren[order.ref].append(order)
            return self.transmit(order, check)
        parent = self._take_children(order)
        if parent is None:
            return order
        waiting = self._pchildren[parent]
        waiting.append(order)
        if not order.transmit:
            return order
        sent = list(waiting)
        reasons = self._gate.submit([self._terms(one) for one in sent])
        for one, reason in zip(sent, reasons, strict=True):
            if reason is None:
                self.transmit(one, check)
            else:
                self._refuse(one, reason)
        if reasons[0] is not None:
            # Of a bracket that was refused nothing is left to wait for.
            self._pchildren.pop(parent, None)
        return sent[-1]

    def _terms(self, order: Any) -> OrderTerms:
        if self._step is None or self._step.cash is None:
            raise RuntimeError("nothing can be ordered while there is only history")
        self._orders_on_step += 1
        key = f"{self._step.epoch}:{self._orders_on_step}"
        self._remember(order, key)
        parent = getattr(order.parent, "ref", None)
        group = self._ocos[order.ref]
        return terms_of(
            order,
            key,
            self._step.epoch,
            parent_key=None if parent is None or parent == order.ref else self.keys[parent],
            oco_key=None if group == order.ref else self.keys[group],
        )

    def _remember(self, order: Any, key: str) -> None:
        self.keys[order.ref] = key
        self._by_key[key] = order

    def _refuse(self, order: Any, reason: str) -> None:
        order.addinfo(refusal=reason)
        order.submit()
        order.reject(self)
        self.orders.append(order)
        self.notify(order)

    def cancel(self, order: Any, bracket: bool = False) -> Any:
        # What hangs on it is cancelled on the other side by the same rule.
        if not bracket and order in self.pending:
            self._gate.cancel(self.keys[order.ref])
        return super().cancel(order, bracket)

    # Fills in

    def _try_exec(self, order: Any) -> None:
        key = self.keys[order.ref]
        fill = self._fills.pop(key, None)
        if fill is not None:
            self._execute(order, ago=fill.ago, price=fill.price)
        if self._step is not None and key in self._step.triggered:
            order.triggered = True
        if order.alive() and order.exectype in (bt.Order.StopTrail, bt.Order.StopTrailLimit):
            order.trailadjust(order.data.close[0])

    def next(self) -> None:
        super().next()
        if self._step is None or self._step.cash is None:
            return
        if self._fills:
            raise Divergence(f"filled were orders that are not open here: {', '.join(self._fills)}")
        if self.cash != self._step.cash:
            raise Divergence(f"the cash is {self.cash!r} here and {self._step.cash!r} at the broker")
        if self._step.positions is not None and self.held() != self._step.positions:
            raise Divergence(f"held are {self.held()} here and {dict(self._step.positions)} at the broker")
