"""The way of an order from a strategy to the broker: checked, sent, remembered until it is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class OrderRequest:
    """An order that has not been sent. `size` is signed: negative sells."""

    data: Any
    size: float
    price: float
    """What a share is worth for the check: the order's own price, else the newest close."""
    options: Mapping[str, Any]
    """Backtrader's other arguments: exectype, parent, oco, ..."""

    @property
    def symbol(self) -> str:
        return str(self.data._name)

    @property
    def parent(self) -> Any | None:
        return self.options.get("parent")


class OrderCheck(Protocol):
    """Something that may keep an order from the broker."""

    def refusal(self, request: OrderRequest) -> str | None:
        """Why the order must not be sent; None where it may."""
        ...

    def largest(self, data: Any, price: float) -> float:
        """Shares that could be bought now."""
        ...

    def sent(self, request: OrderRequest, order: Any) -> None:
        """The order has gone to the broker."""
        ...


class OrderFlow:
    """What `BaseStrategy` sends orders through. Every check sees every order, whichever call made it."""

    broker: Any
    data: Any
    log: Any

    def prepare_orders(self) -> None:
        self.order_checks: list[OrderCheck] = []
        self._orders_of: dict[Any, list[Any]] = {}
        self.last_refusal = ""

    def add_order_check(self, check: OrderCheck) -> None:
        self.order_checks.append(check)

    def on_order_refused(self, request: OrderRequest, message: str) -> None:
        """Log what a check kept from the broker; override to act on it."""
        side = "buy" if request.size > 0 else "sell"
        self.log(f"{side} {abs(request.size):.12g} {request.symbol} refused: {message}", level="warning")

    def checked(self, request: OrderRequest) -> bool:
        """True where no check objects."""
        for check in self.order_checks:
            message = check.refusal(request)
            if message is not None:
                self.last_refusal = message
                self.on_order_refused(request, message)
                return False
        return True

    def remembered(self, order: Any) -> Any:
        if order is not None:
            self._orders_of.setdefault(order.data, []).append(order)
        return order

    def has_pending_order(self, data: Any | None = None) -> bool:
        """True while an order on this feed may still be filled."""
        return any(True for _ in self.pending_orders(data if data is not None else self.data))

    def pending_orders(self, data: Any | None = None) -> Iterator[Any]:
        """Backtrader's orders that may still be filled, of one feed or of all."""
        feeds: Iterable[Any] = self._orders_of if data is None else (data,)
        for feed in feeds:
            orders = self._orders_of.get(feed)
            if orders:
                # Backtrader updates the very objects that buy() and sell() returned, so this holds also where
                # a strategy overrides notify_order.
                orders[:] = [order for order in orders if order.alive()]
                yield from orders

    def cancel_pending(self, data: Any | None = None) -> int:
        """Cancel what may still be filled; returns how many orders."""
        orders = list(self.pending_orders(data))
        for order in orders:
            self.broker.cancel(order)
        return len(orders)


def request_of(
    strategy: Any, sign: int, data: Any, size: float | None, args: tuple[Any, ...], options: dict[str, Any]
) -> OrderRequest:
    """What a call of Backtrader's `buy` (sign 1) or `sell` (sign -1) asks for."""
    if isinstance(data, str):
        data = strategy.getdatabyname(data)
    elif data is None:
        data = strategy.data
    if size is None:
        size = strategy.getsizing(data, isbuy=sign > 0) or 0
    positional = ("price", "plimit", "exectype", "valid", "tradeid", "oco")
    named = dict(zip(positional, args, strict=False)) | options
    price = named.get("plimit") or named.get("price")
    return OrderRequest(data, sign * abs(size), float(price if price else data.close[0]), named)
