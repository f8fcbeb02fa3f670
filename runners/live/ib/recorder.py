"""Writes down each word of the broker, one after the other in the order in which they came."""

from __future__ import annotations

import asyncio

import psycopg

from runners.live.ib.connection import Connection, Ended
from runners.live.ib.words import Closed, Fee, Fill, OrderSeen, Said, Status, Unread, Word

SUPERSEDED = "55000"
SETTLING_SECONDS = 1.0
"""What a fill has after the broker has called its order filled, before it is asked for."""


class Recorder:
    def __init__(self, connection: Connection) -> None:
        self.at, self.rows, self.terms = connection, connection.rows, connection.terms
        self.fees: dict[str, Fee] = {}

    async def run(self) -> None:
        while True:
            word = await self.at.words.get()
            if isinstance(word, asyncio.Future):
                if not word.done():
                    word.set_result(None)
                continue
            try:
                await self.record(word)
            except psycopg.errors.DatabaseError as error:
                if isinstance(error, psycopg.OperationalError) or error.sqlstate == SUPERSEDED:
                    raise
                # SQL does not take it as it is: somebody is told, and the broker is asked.
                await self.rows.record_event("client", f"not recorded: {word}: {error.diag.message_primary}")
                self.at.look("not recorded")

    async def record(self, word: Word) -> None:
        match word:
            case OrderSeen():
                await self._order(word)
            case Status():
                own = word.client == self.terms.client_id
                order_id = self.at.order_of(word.order_id, word.permanent_id, own)
                if order_id is not None:
                    await self._status(order_id, word.status, word.order_id, word.permanent_id)
            case Fill():
                await self._fill(word)
            case Fee():
                await self._fee(word)
            case Said():
                await self._said(word)
            case Unread():
                await self.rows.record_event("client", f"a message could not be read: {word.text}")
                self.at.look("unread message")
            case Closed():
                raise Ended(word.why)

    async def _order(self, seen: OrderSeen) -> None:
        order_id = self.terms.order_of(seen.reference)
        if order_id is None or seen.account != self.terms.account:
            return
        if seen.client == self.terms.client_id:
            self.at.knows(order_id, seen.order_id, seen.permanent_id)
        if seen.is_live:
            await self._status(order_id, seen.status, seen.order_id, seen.permanent_id)

    async def _status(self, order_id: int, status: str, handle: int, permanent_id: int) -> None:
        if self.at.said.get(order_id) == status:
            return
        answer = await self.rows.record_status(order_id, status, handle, permanent_id)
        self.at.said[order_id] = status
        if answer == "fills":
            # Its executions follow as a rule.
            asyncio.get_running_loop().call_later(SETTLING_SECONDS, self._look_for_fills, order_id)
        elif answer == "ask":
            self._ask(order_id, status)
        if answer != "wait":
            self.at.heard_of(order_id)

    def _look_for_fills(self, order_id: int) -> None:
        if order_id not in self.at.filled:
            self.at.look("fills are missing")

    def _ask(self, order_id: int, why: str) -> None:
        self.at.said.pop(order_id, None)
        self.at.look(why)

    async def _fill(self, fill: Fill) -> None:
        if fill.account != self.terms.account:
            return
        if fill.execution not in self.at.recorded_ids:
            await self.rows.record_fill(fill)
            self.at.recorded_ids.add(fill.execution)
        order_id = self.terms.order_of(fill.reference)
        if order_id is not None:
            self.at.filled.add(order_id)
            self.at.heard_of(order_id)
        if fee := self.fees.pop(fill.execution, None):
            await self._fee(fee)

    async def _fee(self, fee: Fee) -> None:
        """One that comes before its fill waits for it."""
        if fee in self.at.recorded_ids:
            return
        if await self.rows.record_fee(fee) == "unknown":
            self.fees[fee.execution] = fee
        else:
            self.at.recorded_ids.add(fee)

    async def _said(self, said: Said) -> None:
        order_id = self.at.handles.get(said.number)
        if order_id is not None:
            if await self.rows.record_code(said, "order", order_id) == "ask":
                self._ask(order_id, f"code {said.code}")
            self.at.heard_of(order_id)
            return
        if said.number > 0:
            await self.rows.record_code(said, "request")
            return
        outcome = await self.rows.record_code(said, "link")
        farm = said.text.rpartition(":")[2]
        match outcome:
            case "degraded":
                self.at.impaired.add(farm)
                self.at.changed.set()
            case "recovered":
                self.at.impaired.discard(farm)
                self.at.changed.set()
            case "cut":
                self.at.is_cut, self.at.may_send = True, False
                self.at.settle(False)
                self.at.changed.set()
            case "restored":
                self.at.is_cut = False
                self.at.settle(False)
                self.at.changed.set()
                self.at.look(f"code {said.code}")
            case "lost" | "refused":
                raise Ended(f"{said.code}: {said.text}", is_refused=outcome == "refused")
