"""One connection to a gateway: requests with a deadline, and every word of the broker handed on in its order.

It uses the client library's reader and writer of messages and keeps no orders itself, because the library's
own memory concludes more than the broker said: it calls orders cancelled that are filled later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from runners.live.ib.hearing import Hearing, RequestFailed
from runners.live.ib.library import Library
from runners.live.ib.words import Closed, Fill, Held, OrderSeen, Said, Unread, Value, Word

READ_ONLY = 321


class NoAnswer(Exception):
    """A request had no end in its time: nothing may be concluded, least of all that there is nothing."""


class Refused(Exception):
    """The gateway does not take this connection; `said` is its code where it gave one."""

    def __init__(self, why: str, said: Said | None = None) -> None:
        super().__init__(why)
        self.said = said


class _Unread(logging.Handler):
    def __init__(self, hear: Callable[[Word], None]) -> None:
        super().__init__(logging.ERROR)
        self.hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self.hear(Unread(record.getMessage()[:300]))


class Wire:
    """`hear` is called with each word as it comes, in the event loop."""

    def __init__(self, library: Library, hear: Callable[[Word], None], *, deadline: float = 10) -> None:
        self.library, self.deadline = library, deadline
        self.hearing = Hearing(library, hear)
        self.client = library.Client(self.hearing)
        self.client.apiEnd += lambda: hear(Closed("the gateway closed the connection"))
        # Orders and cancels are paced by the link; here only a last guard below IB's own 50 a second.
        self.client.MaxRequests = 45
        self.hearing.take_over(self.client.decoder)
        self._unread = _Unread(hear)
        self._decoder = logging.getLogger(f"{library.name}.Decoder")
        self._asking: dict[object, asyncio.Lock] = {}
        for part in ("client", "wrapper"):
            # What they say is said by the link.
            logging.getLogger(f"{library.name}.{part}").setLevel(logging.CRITICAL)

    async def connect(self, host: str, port: int, client_id: int) -> list[str]:
        """Answers the accounts of the log-in. Raises Refused."""
        self._decoder.addHandler(self._unread)
        self.hearing.client_id = client_id
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.client.apiError += lambda _: None if ended.done() else ended.set_result(None)
        connecting = asyncio.ensure_future(self.client.connectAsync(host, port, client_id, self.deadline))
        # A gateway that closes at once would be waited for, and what it said on the way would be lost.
        await asyncio.wait((connecting, ended), return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            connecting.cancel()
        try:
            await connecting
        except (asyncio.CancelledError, TimeoutError, OSError) as error:
            said = self.hearing.last_said
            self.close()
            if said:
                raise Refused(f"{said.code}: {said.text}", said) from error
            if isinstance(error, asyncio.CancelledError) and not ended.done():
                raise
            raise Refused(str(error) or f"{host}:{port} did not answer as a gateway does") from error
        accounts: list[str] = list(self.client.getAccounts())
        return accounts

    @property
    def is_open(self) -> bool:
        return bool(self.client.isReady())

    @property
    def version(self) -> int:
        """Of the server's protocol."""
        return int(self.client.serverVersion())

    @property
    def heard_at(self) -> float:
        """Event loop's time of the newest message."""
        return self.hearing.heard_at

    @property
    def next_id(self) -> int:
        return int(self.client._reqIdSeq)

    def close(self) -> None:
        self._decoder.removeHandler(self._unread)
        self.hearing.fail(Closed("closed"))
        if self.client.conn.transport:
            self.client.disconnect()

    def abort(self) -> None:
        """Without a good-bye, as a half-open socket needs it."""
        self._decoder.removeHandler(self._unread)
        self.hearing.fail(Closed("given up"))
        if self.client.conn.transport:
            self.client.conn.transport.abort()

    # Orders

    def place(self, contract: Any, order: Any) -> int:
        """Writes an order; answers its handle. The caller has committed that it does so."""
        number: int = self.client.getReqId()
        self.client.placeOrder(number, contract, order)
        return number

    def cancel(self, order_id: int) -> None:
        self.client.cancelOrder(order_id)

    # Requests. Of those without a number there is one at a time.

    async def open_orders(self) -> list[OrderSeen]:
        """Of all clients."""
        return await self._ask("open orders", self.client.reqAllOpenOrders)

    async def completed_orders(self) -> list[OrderSeen]:
        return await self._ask("completed orders", lambda: self.client.reqCompletedOrders(False))

    async def executions(self) -> list[Fill]:
        """Of the day; each is heard as a word, too, and before the answer ends."""
        number = self.client.getReqId()
        ask = self.library.ExecutionFilter()
        return await self._ask(number, lambda: self.client.reqExecutions(number, ask))

    async def positions(self, account: str) -> list[Held]:
        try:
            held = await self._ask("positions", self.client.reqPositions)
        finally:
            if self.is_open:
                self.client.cancelPositions()
        return [p for name, p in held if name == account]

    async def values(self, account: str) -> list[Value]:
        number = self.client.getReqId()
        tags = "NetLiquidation,TotalCashValue,GrossPositionValue,BuyingPower,SettledCash,AvailableFunds"
        try:
            said = await self._ask(number, lambda: self.client.reqAccountSummary(number, "All", tags))
        finally:
            if self.is_open:
                self.client.cancelAccountSummary(number)
        return [v for name, v in said if name == account]

    async def contracts(self, contract: Any) -> list[Any]:
        number = self.client.getReqId()
        return await self._ask(number, lambda: self.client.reqContractDetails(number, contract))

    async def is_read_only(self) -> bool:
        """Whether it takes no orders: it is asked to cancel one that nobody has sent."""
        number = self.client.getReqId()
        try:
            await self._ask(number, lambda: self.client.cancelOrder(number), quiet=True)
        except RequestFailed as failed:
            return failed.said.code == READ_ONLY
        return False

    async def snapshot(self, contract: Any) -> None:
        """Prices at this moment; raises RequestFailed with the code that keeps them back."""
        number = self.client.getReqId()
        await self._ask(number, lambda: self.client.reqMktData(number, contract, "", True, False, []))

    async def time(self, deadline: float) -> int:
        answers = await self._ask("time", self.client.reqCurrentTime, deadline)
        return int(answers[0])

    async def _ask(
        self, key: object, send: Callable[[], object], deadline: float | None = None, *, quiet: bool = False
    ) -> list[Any]:
        deadline = deadline or self.deadline
        async with self._asking.setdefault(key, asyncio.Lock()):
            if not self.is_open:
                raise NoAnswer(f"not connected, so no answer about {key}")
            answer = self.hearing.expect(key, quiet=quiet)
            try:
                send()
                async with asyncio.timeout(deadline):
                    return await answer
            except TimeoutError as error:
                raise NoAnswer(f"no end of the answer to {key} within {deadline:g} s") from error
            except ConnectionError as error:
                raise NoAnswer(str(error)) from error
            finally:
                self.hearing.forget(key)
                if not isinstance(key, str):
                    del self._asking[key]
