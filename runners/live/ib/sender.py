"""Carries out what SQL allowed: the only place from which orders and cancels leave."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from runners.live.ib.connection import Connection
from runners.live.ib.hearing import RequestFailed
from runners.live.ib.orders import AllowedOrder, contract_of, order_of
from runners.live.ib.wire import NoAnswer

FRESH_SECONDS = 5.0
"""An order that could not be written so soon after it was taken is not written at all."""
BATCH = 10
"""Orders taken at a time: halts are read again for each batch."""


class Pace:
    """Messages within the newest second: cancels may use all of them, orders three quarters."""

    def __init__(self, most: int) -> None:
        self.most, self.times = most, deque[float]()

    def room(self, share: float = 1.0) -> int:
        now = asyncio.get_running_loop().time()
        while self.times and now - self.times[0] > 1:
            self.times.popleft()
        return int(self.most * share) - len(self.times)

    def count(self) -> None:
        self.times.append(asyncio.get_running_loop().time())


class Sender:
    def __init__(self, connection: Connection, contracts: dict[str, Any], poll_seconds: float) -> None:
        self.at, self.contracts, self.poll_seconds = connection, contracts, poll_seconds
        self.pace = Pace(connection.terms.messages_per_second)

    async def run(self) -> None:
        while True:
            if not self.at.is_cut:
                await self.send_cancels()
                if self.at.may_send:
                    await self.send_orders()
            await asyncio.sleep(self.poll_seconds)

    async def send_cancels(self) -> None:
        again, self.at.cancels_again = self.at.cancels_again, False
        for order_id in await self.at.rows.take_cancels(again=again):
            # One without a handle is found by a look, after which cancels are taken again.
            if (handle := self.at.orders.get(order_id)) is not None:
                await self.cancel(handle)

    async def cancel(self, handle: int) -> None:
        while self.pace.room() <= 0:
            await asyncio.sleep(0.05)
        if self.at.wire.is_open:
            self.pace.count()
            self.at.wire.cancel(handle)

    async def send_orders(self) -> None:
        room = min(BATCH, self.pace.room(0.75))
        if not self.at.has_confirmed:
            # A gateway that shows a window at its first order drops what comes before somebody has closed it.
            room = 0 if self.at.in_flight else min(1, room)
        if room <= 0:
            return
        began = asyncio.get_running_loop().time()
        for row in await self.at.rows.take_orders(room):
            await self._send(row, began)

    async def _send(self, row: AllowedOrder, began: float) -> None:
        at = self.at
        reason = await self._find(row.symbol)
        parent = 0
        if not reason and row.parent_id:
            state = await at.rows.parent_state(row.id)
            if state != "filled":
                parent = at.orders.get(row.parent_id, 0)
                # Alone it would be live before its entry is filled, or larger than what was.
                if state not in ("sending", "working") or not parent:
                    reason = f"the order that opens what it closes is {state}"
        if asyncio.get_running_loop().time() - began > FRESH_SECONDS:
            reason = f"it could not be written within {FRESH_SECONDS:g} s"
        if reason:
            await at.rows.never_left(row.id, f"not sent: {reason}")
        elif at.wire.is_open and at.may_send:
            order = order_of(
                at.library, row, at.terms.reference(row.id), at.terms.prefix, at.terms.account, parent
            )
            self.pace.count()
            handle = at.wire.place(self.contracts[row.symbol], order)
            at.knows(row.id, handle, 0)
            at.in_flight.add(row.id)
        elif at.wire.is_open:
            await at.rows.never_left(row.id, "not sent: the link had to look at the broker first")

    async def _find(self, symbol: str) -> str | None:
        """Makes sure that the broker knows a symbol; answers why an order in it cannot be sent."""
        if symbol in self.contracts:
            return None
        contract = contract_of(self.at.library, symbol, self.at.terms.currency)
        try:
            found = await self.at.wire.contracts(contract)
        except (NoAnswer, RequestFailed) as error:
            return f"no contract of {symbol}: {error}"
        if len(found) != 1:
            return f"{len(found)} contracts of {symbol} in {self.at.terms.currency}"
        self.contracts[symbol] = contract
        return None
