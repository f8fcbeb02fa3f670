"""Asks the broker for everything and has SQL compare it. An answer without an end concludes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from runners.live.ib.connection import Connection, Ended
from runners.live.ib.hearing import RequestFailed
from runners.live.ib.sender import Sender
from runners.live.ib.wire import NoAnswer
from runners.live.ib.words import OrderSeen

PATIENCE = 3
"""Looks in a row without an answer, before the connection is given up."""


class Looker:
    def __init__(self, connection: Connection, sender: Sender) -> None:
        self.at, self.sender = connection, sender

    async def run(self) -> None:
        cause, unanswered = "start", 0
        while True:
            self.at.cause = None
            self.at.wanted.clear()
            found = await self.look(cause)
            delay = self.at.terms.look_seconds
            if found["outcome"] == "unanswered":
                unanswered += 1
                self.at.settle(False)
                if unanswered == PATIENCE and not self.at.is_cut:
                    raise Ended("the gateway's answers have no end")
                delay = float(unanswered)
            else:
                unanswered = 0
                delay = found["again_in"] or delay
                await self._follow(found)
            try:
                async with asyncio.timeout(delay):
                    await self.at.wanted.wait()
            except TimeoutError:
                pass
            cause = self.at.cause or "interval"

    async def _follow(self, found: dict[str, Any]) -> None:
        for reference in found["cancel"]:
            order_id = self.at.terms.order_of(reference)
            if order_id in self.at.orders:
                await self.sender.cancel(self.at.orders[order_id])
        if found["reconnect"]:
            raise Ended("an order is looked for over a new connection", at_once=True)
        if found["outcome"] != "unsettled":
            if not self.at.is_settled:
                await self._see_whether_it_takes_orders()
            self.at.in_flight &= set(found["in_flight"])
            self.at.settle(True)
        self.at.cancels_again = True

    async def _see_whether_it_takes_orders(self) -> None:
        try:
            read_only = await self.at.wire.is_read_only()
        except NoAnswer:
            return
        self.at.impaired.discard("read-only")
        if read_only:
            self.at.impaired.add("read-only")
            await self.at.rows.record_event(
                "client", "the gateway is read-only and takes no orders: untick Read-Only API in its settings"
            )

    async def look(self, cause: str) -> dict[str, Any]:
        at, began = self.at, asyncio.get_running_loop().time()
        answers: dict[str, Any] | None = None
        try:
            # Orders before fills, fills before positions: the later sees what is filled meanwhile.
            open_orders = await at.wire.open_orders()
            completed = await at.wire.completed_orders()
            await at.wire.executions()
            held = await at.wire.positions(at.terms.account)
            values = await at.wire.values(at.terms.account)
            answers = {
                "open": [_told(o) for o in open_orders if o.account == at.terms.account],
                "completed": [_told(o) for o in completed if o.account == at.terms.account],
                "positions": [asdict(h) for h in held],
            }
        except (NoAnswer, RequestFailed):
            pass
        seconds = asyncio.get_running_loop().time() - began
        await at.recorded()
        if answers is not None:
            await at.rows.record_values(values)
        return await at.rows.record_look(at.number, cause, seconds, answers)


def _told(order: OrderSeen) -> dict[str, Any]:
    return {
        "reference": order.reference,
        "status": order.status,
        "order_id": order.order_id or None,
        "permanent_id": order.permanent_id or None,
        "filled": order.filled,
    }
