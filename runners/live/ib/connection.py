"""What belongs to one connection and ends with it: handles of orders, what is on its way, and why to look."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from runners.live.ib.library import Library
from runners.live.ib.rows import Rows
from runners.live.ib.wire import Wire
from runners.live.ib.words import Word


class Ended(Exception):
    """The connection is of no use any more; `at_once` where another one is wanted without a pause."""

    def __init__(self, why: str, *, at_once: bool = False, is_refused: bool = False) -> None:
        super().__init__(why)
        self.why, self.at_once, self.is_refused = why, at_once, is_refused


@dataclass
class Terms:
    """link_terms of the account, in Python's types; times in seconds."""

    account: str
    kind: str
    currency: str
    prefix: str
    host: str
    port: int
    client_id: int
    probe_seconds: float
    look_seconds: float
    messages_per_second: int

    @classmethod
    def of(cls, terms: dict[str, Any]) -> Terms:
        host, _, port = terms["gateway"].rpartition(":")
        return cls(
            terms["account"],
            terms["kind"],
            terms["currency"],
            terms["prefix"],
            host,
            int(port),
            int(terms["client_id"]),
            float(terms["probe_seconds"]),
            float(terms["look_seconds"]),
            int(terms["broker_messages_per_second"]),
        )

    def reference(self, order_id: int) -> str:
        return f"{self.prefix}-{order_id}"

    def order_of(self, reference: str) -> int | None:
        """The desk's order of a reference; None of somebody else's."""
        head, _, number = reference.rpartition("-")
        return int(number) if head == self.prefix and number.isdecimal() else None


@dataclass
class Connection:
    wire: Wire
    rows: Rows
    terms: Terms
    library: Library
    number: int
    words: asyncio.Queue[Word | asyncio.Future[None]]
    recorded_ids: set[object] = field(default_factory=set)
    """Executions and fees that this process has recorded: each answer has the whole day again."""
    handles: dict[int, int] = field(default_factory=dict)
    """Handle to order. It lasts as long as the connection: the broker gives lost ones again."""
    orders: dict[int, int] = field(default_factory=dict)
    """Order to handle."""
    permanent: dict[int, int] = field(default_factory=dict)
    """The broker's lasting number to order."""
    lasting: dict[int, int] = field(default_factory=dict)
    """Order to the broker's lasting number."""
    in_flight: set[int] = field(default_factory=set)
    """Orders that were written and of which nothing was heard."""
    filled: set[int] = field(default_factory=set)
    said: dict[int, str] = field(default_factory=dict)
    """Newest state of each order that was recorded, so that its repetition is not."""
    impaired: set[str] = field(default_factory=set)
    """Why it is not ready though it is connected: sources of prices that are cut off, or read-only."""
    is_cut: bool = False
    is_settled: bool = False
    may_send: bool = False
    has_confirmed: bool = False
    """Whether an order of this connection was answered: until then one travels alone."""
    cancels_again: bool = False
    cause: str | None = None
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def state(self) -> str:
        if self.is_cut:
            return "lost"
        if not self.is_settled:
            return "reconciling"
        return "degraded" if self.impaired else "ready"

    def knows(self, order_id: int, handle: int, permanent_id: int) -> None:
        """An order was seen under a handle of this link's."""
        self.handles[handle], self.orders[order_id] = order_id, handle
        if permanent_id:
            self.permanent[permanent_id], self.lasting[order_id] = order_id, permanent_id

    def order_of(self, handle: int, permanent_id: int, is_own: bool) -> int | None:
        """Of a word without a reference. A handle that was given twice brings words of the other order."""
        order_id = self.permanent.get(permanent_id)
        if order_id is None and is_own:
            order_id = self.handles.get(handle)
            if order_id in self.lasting and permanent_id:
                return None
        return order_id

    def heard_of(self, order_id: int) -> None:
        if order_id in self.in_flight:
            self.in_flight.discard(order_id)
            self.has_confirmed = True

    def look(self, cause: str) -> None:
        self.cause = self.cause or cause
        self.wanted.set()

    def settle(self, is_settled: bool) -> None:
        if not is_settled:
            self.may_send = False
        if self.is_settled != is_settled:
            self.is_settled = is_settled
            self.changed.set()

    async def recorded(self) -> None:
        """Waits until every word that has come is recorded."""
        mark: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.words.put_nowait(mark)
        await mark
