"""Receives messages from the client library under the names that it calls, and makes words and answers."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from runners.live.ib.library import Library
from runners.live.ib.times import stated_time
from runners.live.ib.words import Closed, Fee, Fill, Held, OrderSeen, Said, Status, Value, Word


class RequestFailed(Exception):
    """The gateway answered a request with a code."""

    def __init__(self, said: Said) -> None:
        super().__init__(f"{said.code}: {said.text}")
        self.said = said


WARNINGS = range(2100, 2200)
"""What a gateway says of the sources of its prices is no reason for a connection to fail."""
EXECUTION, TIME = 11, 15
"""Number of the message that tells of a fill, and the place of its time."""


class Hearing:
    """The names of its methods are the library's. A question is a key: a number, or a name without one."""

    defaultTimezone = dt.UTC  # noqa: N815

    def __init__(self, library: Library, hear: Callable[[Word], None]) -> None:
        self.hear, self.unset = hear, library.unset
        self.ib = SimpleNamespace(TimezoneTWS="UTC")
        self.client_id = -1
        self.heard_at = 0.0
        self.last_said: Said | None = None
        self._stated = ""
        self._quiet: frozenset[object] = frozenset()
        self._open: dict[object, tuple[asyncio.Future[list[Any]], list[Any]]] = {}

    def take_over(self, decoder: Any) -> None:
        """Keeps the time of a fill as it is stated; the library drops a fill whose zone it does not know."""
        handlers, read = decoder.handlers, decoder.handlers[EXECUTION]

        def execution(fields: list[str]) -> None:
            self._stated = fields[TIME]
            read([*fields[:TIME], "20000101 00:00:00 UTC", *fields[TIME + 1 :]])

        handlers[EXECUTION] = execution

    # Answers

    def expect(self, key: object, *, quiet: bool = False) -> asyncio.Future[list[Any]]:
        """`quiet`: a code is the answer, and is handed on to nobody else."""
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._open[key] = (answer, [])
        self._quiet = self._quiet | {key} if quiet else self._quiet
        return answer

    def forget(self, key: object) -> None:
        self._open.pop(key, None)
        self._quiet = self._quiet - {key}

    def fail(self, closed: Closed) -> None:
        for answer, _ in self._open.values():
            if not answer.done():
                answer.set_exception(ConnectionError(closed.why))

    def _add(self, key: object, item: Any) -> bool:
        if key not in self._open:
            return False
        self._open[key][1].append(item)
        return True

    def _end(self, key: object) -> None:
        if key in self._open and not self._open[key][0].done():
            self._open[key][0].set_result(self._open[key][1])

    # The connection

    def tcpDataArrived(self) -> None:  # noqa: N802
        self.heard_at = asyncio.get_running_loop().time()

    def connectAck(self) -> None:  # noqa: N802
        self.last_said = None

    def connectionClosed(self) -> None:  # noqa: N802
        self.fail(Closed("the gateway closed the connection"))

    def setEventsDone(self) -> None:  # noqa: N802
        """Of the library's own subscriptions, of which there are none."""

    def error(self, number: int, code: int, text: str, more: str = "") -> None:
        said = Said(number, code, text)
        if code not in WARNINGS:
            self.last_said = said
        if number in self._open:
            answer = self._open[number][0]
            if not answer.done():
                answer.set_exception(RequestFailed(said))
        if number not in self._quiet:
            self.hear(said)

    # Orders

    def openOrder(self, number: int, contract: Any, order: Any, state: Any) -> None:  # noqa: N802
        seen = OrderSeen(order.orderRef, state.status, number, order.clientId, order.permId, order.account)
        # A live word and a part of an answer look alike.
        answers = self._add("open orders", seen)
        self.hear(replace(seen, is_live=not answers))

    def openOrderEnd(self) -> None:  # noqa: N802
        self._end("open orders")

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:  # noqa: N802
        filled = order.filledQuantity
        self._add(
            "completed orders",
            OrderSeen(
                order.orderRef,
                state.status,
                0,
                -1,
                order.permId,
                order.account,
                0.0 if filled == self.unset else float(filled),
                is_live=False,
            ),
        )

    def completedOrdersEnd(self) -> None:  # noqa: N802
        self._end("completed orders")

    def orderStatus(  # noqa: N802
        self,
        number: int,
        status: str,
        filled: float,
        remaining: float,
        average: float,
        permanent_id: int,
        parent: int,
        last: float,
        client: int,
        held: str,
        cap: float = 0.0,
    ) -> None:
        self.hear(Status(number, client, permanent_id, status))

    # Fills

    def execDetails(self, number: int, contract: Any, execution: Any) -> None:  # noqa: N802
        fill = Fill(
            execution.execId,
            execution.orderRef,
            execution.acctNumber,
            symbol_of(contract),
            execution.shares if execution.side == "BOT" else -execution.shares,
            execution.price,
            stated_time(self._stated),
            self._stated,
            execution.orderId,
            execution.permId,
            number not in self._open,
        )
        self._add(number, fill)
        self.hear(fill)

    def execDetailsEnd(self, number: int) -> None:  # noqa: N802
        self._end(number)

    def commissionReport(self, report: Any) -> None:  # noqa: N802
        if report.commission < self.unset:
            self.hear(Fee(report.execId, report.commission))

    # Account

    def position(self, account: str, contract: Any, quantity: float, price: float) -> None:
        self._add("positions", (account, Held(symbol_of(contract), quantity, price)))

    def positionEnd(self) -> None:  # noqa: N802
        self._end("positions")

    def accountSummary(self, number: int, account: str, tag: str, value: str, currency: str) -> None:  # noqa: N802
        self._add(number, (account, Value(tag, value, currency)))

    def accountSummaryEnd(self, number: int) -> None:  # noqa: N802
        self._end(number)

    def contractDetails(self, number: int, details: Any) -> None:  # noqa: N802
        self._add(number, details)

    def contractDetailsEnd(self, number: int) -> None:  # noqa: N802
        self._end(number)

    def priceSizeTick(self, number: int, kind: int, price: float, size: float) -> None:  # noqa: N802
        self._add(number, price)

    def tickSnapshotEnd(self, number: int) -> None:  # noqa: N802
        self._end(number)

    def currentTime(self, seconds: int) -> None:  # noqa: N802
        self._add("time", seconds)
        self._end("time")


def symbol_of(contract: Any) -> str:
    """The desk's name of a contract: a share class has a dot, and what is no stock has its whole name."""
    name: str = contract.symbol if contract.secType == "STK" else contract.localSymbol or contract.symbol
    return name.replace(" ", ".")
