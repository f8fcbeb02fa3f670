"""LEAN's order tickets, over Backtrader's orders."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any


class OrderStatus(IntEnum):
    """LEAN's names and numbers."""

    NEW = 0
    SUBMITTED = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 5
    NONE = 6
    INVALID = 7


class OrderTicket:
    """What LEAN's order methods return: follows one order, and may change or cancel it.

    Without an order it was refused: INVALID, with the reason in `message`; or it waits to be sent, NEW.
    """

    def __init__(self, strategy: Any, data: Any, quantity: float, tag: str = "") -> None:
        self._strategy = strategy
        self._data = data
        self._order: Any = None
        self._resend: Callable[..., Any] | None = None
        self._terms: dict[str, Any] = {}
        self._withdrawn = False
        self.quantity = quantity
        self.tag = tag
        self.message = ""
        self.waiting = False

    def send(self, **terms: Any) -> OrderTicket:
        """Order by Backtrader's `exectype`, `price`, `plimit`, ...; a refusal is kept as the message."""
        self.waiting = False
        self._terms = terms
        place = self._strategy.buy if self.quantity > 0 else self._strategy.sell
        self._strategy.last_refusal = ""
        if self.quantity:
            self._order = place(self._data, abs(self.quantity), tag=self.tag, **terms)
        if self._order is None:
            self.message = self._strategy.last_refusal or "the quantity is zero"
        return self

    @property
    def order_id(self) -> int:
        return int(self._order.ref) if self._order is not None else -1

    @property
    def symbol(self) -> str:
        return str(self._data._name)

    @property
    def order(self) -> Any:
        """Backtrader's own order; None where there is none."""
        return self._order

    @property
    def status(self) -> OrderStatus:
        order = self._order
        if order is None:
            if self._withdrawn:
                return OrderStatus.CANCELED
            return OrderStatus.NEW if self.waiting else OrderStatus.INVALID
        return {
            order.Created: OrderStatus.NEW,
            order.Submitted: OrderStatus.SUBMITTED,
            order.Accepted: OrderStatus.SUBMITTED,
            order.Partial: OrderStatus.PARTIALLY_FILLED,
            order.Completed: OrderStatus.FILLED,
            order.Canceled: OrderStatus.CANCELED,
            order.Expired: OrderStatus.CANCELED,
        }.get(order.status, OrderStatus.INVALID)

    @property
    def quantity_filled(self) -> float:
        return float(self._order.executed.size) if self._order is not None else 0.0

    @property
    def average_fill_price(self) -> float:
        return float(self._order.executed.price) if self._order is not None else 0.0

    def cancel(self, tag: str = "") -> bool:
        """True where there was something to cancel."""
        if self.waiting:
            self.waiting, self._withdrawn = False, True
            return True
        if self._order is None or not self._order.alive():
            return False
        self._strategy.cancel(self._order)
        return True

    def update_limit_price(self, limit_price: float, tag: str = "") -> bool:
        import backtrader as bt

        stop_limit = self._terms.get("exectype") == bt.Order.StopLimit
        return self._replace(**{"plimit" if stop_limit else "price": limit_price})

    def update_stop_price(self, stop_price: float, tag: str = "") -> bool:
        return self._replace(price=stop_price)

    def update_quantity(self, quantity: float, tag: str = "") -> bool:
        if self._order is None or not self._order.alive():
            return False
        self.quantity = quantity
        return self._replace()

    def _replace(self, **changes: Any) -> bool:
        """Backtrader's orders cannot be changed: cancel, and send another with the same ticket."""
        if self._order is None or not self._order.alive():
            return False
        self._strategy.cancel(self._order)
        self._order = None
        self.send(**(self._terms | changes))
        return self._order is not None


class Transactions:
    """LEAN's `transactions`."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self.tickets: list[OrderTicket] = []

    def get_open_orders(self, symbol: Any = None) -> list[Any]:
        """Backtrader's orders that may still be filled."""
        from strategies.portfolio import feed_of

        data = None if symbol is None else feed_of(self._strategy, symbol)
        return list(self._strategy.pending_orders(data))

    def cancel_open_orders(self, symbol: Any = None) -> list[Any]:
        orders = self.get_open_orders(symbol)
        for order in orders:
            self._strategy.cancel(order)
        return orders

    def get_order_tickets(self) -> list[OrderTicket]:
        return list(self.tickets)
