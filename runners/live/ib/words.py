"""What a gateway says, as the link hears it: the broker's words, and none of a client's conclusions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class OrderSeen:
    """An order as the broker has it; `order_id` is a handle of this connection for orders of `client`."""

    reference: str
    status: str
    order_id: int
    client: int
    permanent_id: int
    account: str
    filled: float = 0.0
    """Of one that has ended."""
    is_live: bool = True
    """Not a part of an answer."""


@dataclass(frozen=True)
class Status:
    """A new state of an order that was seen or sent over this connection."""

    order_id: int
    client: int
    permanent_id: int
    status: str


@dataclass(frozen=True)
class Fill:
    execution: str
    reference: str
    account: str
    symbol: str
    quantity: float
    """Negative when sold."""
    price: float
    at: dt.datetime | None
    stated_at: str
    order_id: int
    permanent_id: int
    is_live: bool
    """Not the answer to a question, which tells of the whole day."""


@dataclass(frozen=True)
class Fee:
    execution: str
    commission: float


@dataclass(frozen=True)
class Said:
    """A code; `number` is that of an order or request, or -1."""

    number: int
    code: int
    text: str


@dataclass(frozen=True)
class Held:
    symbol: str
    quantity: float
    price: float


@dataclass(frozen=True)
class Value:
    name: str
    stated: str
    currency: str


@dataclass(frozen=True)
class Unread:
    """A message that the client could not read: something was said, and nobody knows what."""

    text: str


@dataclass(frozen=True)
class Closed:
    """The connection ended."""

    why: str


Word = OrderSeen | Status | Fill | Fee | Said | Unread | Closed
