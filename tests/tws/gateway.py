"""A gateway over a broker: it listens, may die and come back; what happens to it is scripted (script.py)."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from tests.tws.broker import Broker, Execution, Order
from tests.tws.conversation import Conversation
from tests.tws.script import Fault, Script


@dataclass
class Gateway:
    """Port 0 takes a free one, which a restart keeps."""

    broker: Broker
    version: int = 178
    port: int = 0
    accounts: tuple[str, ...] = ()
    fill_delay: float = 0.002
    script: Script = field(default_factory=Script)
    conversations: list[Conversation] = field(default_factory=list)
    recorded: list[tuple[str, bytes]] = field(default_factory=list)
    """What went over the wire: in or out, and its bytes."""

    def __post_init__(self) -> None:
        self.accounts = self.accounts or (self.broker.account,)
        self.is_silent = self.is_cut = False
        self.arrived = self.filled = self.logins = 0
        self.dropping_until = 0.0
        self._later: list[asyncio.TimerHandle] = []
        self._at_clock: list[tuple[float, tuple[str, ...]]] = []
        self._closing: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Gateway:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        for handle in self._later:
            handle.cancel()
        await self.stop()
        for task in self._closing:
            await task

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Conversation(self), "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        self.is_silent = self.is_cut = False
        self.dropping_until = 0.0

    async def stop(self) -> None:
        self.server.close()
        for conversation in list(self.conversations):
            conversation.transport.abort()
        await asyncio.sleep(0)

    async def restart(self, seconds: float) -> None:
        await self.stop()
        await asyncio.sleep(seconds)
        await self.listen()

    # What is scripted

    def play(self, text: str) -> None:
        """Adds faults; those of `at` begin to count now."""
        for fault in self.script.add(text):
            if fault.kind == "at":
                self._plan(fault)

    def _plan(self, fault: Fault) -> None:
        if ":" in fault.which:
            hour, minute = map(int, fault.which.split(":"))
            now = dt.datetime.fromtimestamp(self.broker.now, dt.UTC)
            at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
            self._at_clock.append((at.timestamp() + (86400 if at <= now else 0), fault.words))
        else:
            self.later(float(fault.which), lambda: self.happen(*fault.words))

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        self._later.append(asyncio.get_running_loop().call_later(seconds, act))

    def move_clock(self, seconds: float) -> None:
        """The broker's clock moves on, and what was planned for a time of the day happens."""
        self.broker.offset += seconds
        due = [(at, words) for at, words in self._at_clock if at <= self.broker.now]
        self._at_clock = [(at, words) for at, words in self._at_clock if at > self.broker.now]
        for _, words in sorted(due):
            self.happen(*words)

    def happen(self, what: str, *more: str) -> None:
        broker = self.broker
        if what == "say":
            self.say(int(more[0]), " ".join(more[1:]) or f"said {more[0]}")
        elif what == "dies":
            self.each(lambda c: c.transport.abort())
        elif what == "silent":
            self.is_silent = True
        elif what == "cut":
            self.say(1100, "Connectivity between IB and Trader Workstation has been lost.")
            self.is_cut = True
            self.later(float(more[0]), lambda: self.mend(int(more[1]) if more[1:] else 1102))
        elif what == "restart":
            self._closing.append(asyncio.ensure_future(self.restart(float(more[0]))))
        elif what == "ids":
            for client in broker.used:
                broker.used[client] = max(0, broker.used[client] - int(more[1]))
        elif what == "position":
            broker.positions[more[0]] = (float(more[1]), broker.last.get(more[0], 100.0))
        elif what == "trade":
            self.announce(broker.trade_by_hand(more[0], float(more[1]), broker.last.get(more[0], 100.0)))
        elif what == "split":
            broker.split(more[0], float(more[1]))

    def mend(self, code: int) -> None:
        self.is_cut = False
        self.say(code, "Connectivity between IB and Trader Workstation has been restored.")

    # What it says to those who are connected

    def each(self, act: Callable[[Conversation], object]) -> None:
        for conversation in list(self.conversations):
            act(conversation)

    def say(self, code: int, text: str) -> None:
        self.each(lambda c: c.error(-1, code, text))

    def announce(self, execution: Execution) -> None:
        """An execution, with all that follows it, to the client whose order it was."""
        self.filled += 1
        happens = self.script.of_fill(self.filled)
        order = execution.order
        if self.is_cut or order.is_mute or "silent" in happens:
            return
        for c in list(self.conversations):
            if c.client not in (order.client, 0) and order.client != 0:
                continue
            for _ in range(2 if "twice" in happens else 1):
                c.execution(-1, execution)
            if order.client:
                c.tell(order)
            if "fee" in happens:
                self.later(float(happens["fee"][1]), lambda c=c: c.commission(execution))  # type: ignore[misc]
            else:
                c.commission(execution)
            if c.wants_positions:
                c.position(order.symbol)
        if "corrected" in happens:
            corrected = self.broker.correct(execution, float(happens["corrected"][0]))
            self.each(lambda c: c.execution(-1, corrected))
            self.each(lambda c: c.commission(corrected))

    # Orders

    def price(self, symbol: str, price: float) -> None:
        """A new price: orders that it reaches are filled."""
        self.broker.last[symbol] = price
        for order in [o for o in self.broker.orders.values() if o.is_open and o.symbol == symbol]:
            if not self.broker.parent_of(order) and order.is_open and order.reached(price):
                self.fill(order, order.left, price)

    def work(self, order: Order, happens: dict[str, tuple[str, ...]]) -> None:
        """Fills what is left where its type is reached, in the parts that the script asks for."""
        if "held" in happens or self.broker.parent_of(order):
            return
        price = self.broker.last.get(order.symbol, 100.0)
        for part in [float(p) for p in happens.get("partial", ()) if p] + [order.left]:
            if order.is_open and order.reached(price):
                self.fill(order, min(order.left, part), price)

    def fill(self, order: Order, shares: float, price: float) -> None:
        if shares <= 0:
            return
        self.announce(self.broker.fill(order, shares, price))
        if order.status == "Filled":
            for partner in self.broker.partners(order):
                self.cancel(partner)
            for child in self.broker.children(order):
                self.work(child, {})

    def cancel(self, order: Order) -> None:
        order.status, order.ended = "Cancelled", "Cancelled by Trader"
        for c in self.conversations:
            if c.client == order.client and not self.is_cut:
                c.error(order.id, 202, "Order Canceled - reason:")
                c.status(order)
        for child in self.broker.children(order):
            self.cancel(child)

    def night(self) -> None:
        for order in self.broker.night():
            self.each(lambda c, order=order: c.status(order) if c.client == order.client else None)  # type: ignore[misc]

    def stated(self, at: float) -> str:
        """An execution's time in the shape of the script: with a zone's name, with a dash, or bare."""
        zone = next(iter(self.script.of_start().get("times", ("UTC",))))
        if zone == "dash":
            return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y%m%d-%H:%M:%S")
        if zone == "bare":
            return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y%m%d  %H:%M:%S")
        known = zone if zone != "Nowhere/Land" else "UTC"
        return dt.datetime.fromtimestamp(at, ZoneInfo(known)).strftime("%Y%m%d %H:%M:%S ") + zone
