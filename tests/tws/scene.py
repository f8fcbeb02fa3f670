"""A desk, a stand-in and a link that is started, killed and started again in one event loop."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from runners.live.ib.connection import Terms
from runners.live.ib.library import library
from runners.live.ib.link import Link
from runners.live.ib.rows import Rows
from testing.accounts import SYMBOLS, Account, open_account, submit
from testing.desks import Desk
from tests.tws.broker import Broker, Order
from tests.tws.gateway import Gateway
from tests.tws.loop import played_out

_names = itertools.count(1)
QUICK = {
    "ack_seconds": 0.15,
    "absence_seconds": 0.05,
    "probe_seconds": 0.15,
    "look_seconds": 0.5,
    "beat_seconds": 3600,
}


class Killed(BaseException):
    """The link's process ends here, as by kill -9: nothing of it runs any more."""


@dataclass
class Scene:
    desk: Desk
    admin: psycopg.Connection[Any]
    account: Account
    session: int
    gateway: Gateway
    killed_at: Callable[[Link], None] = lambda link: None
    """Makes the next link end at a place."""
    link: Link | None = None
    task: asyncio.Task[None] | None = None
    keys: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def broker(self) -> Broker:
        return self.gateway.broker

    async def start(self) -> None:
        rows = Rows(self.desk.connect("link"), self.account.name)
        terms = await rows.begin("host", os.getpid())
        self.account.link = rows.token
        self.link = Link(
            rows,
            Terms.of(terms),
            library(),
            beat_seconds=0.05,
            poll_seconds=0.005,
            pause_seconds=0.02,
            deadline=0.5,
        )
        self.killed_at(self.link)
        self.task = asyncio.ensure_future(self.link.run())

    async def kill(self) -> None:
        """Wherever it is. The socket goes as it goes when a process dies."""
        assert self.task
        assert self.link
        self.task.cancel()
        with suppress(asyncio.CancelledError, Killed):
            await self.task
        self.link.rows.close()

    async def end(self) -> None:
        """Waits for the place at which it was to be killed."""
        assert self.task
        assert self.link
        async with asyncio.timeout(5):
            with suppress(Killed):
                await self.task
        self.link.rows.close()

    async def ready(self, seconds: float = 5) -> None:
        await self.until(
            lambda: (
                self.value("select state from desk.account_links where account_id = %s", self.account.id)
                == "ready"
            ),
            seconds,
        )

    async def until(self, true: Callable[[], object], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                if self.task and self.task.done():
                    await self.task
                await asyncio.sleep(0.003)

    async def buy(self, quantity: float = 10, symbol: str = "AAA", **terms: Any) -> int:
        """An order that the gate allows, once the link is ready; its number."""
        async with asyncio.timeout(10):
            while True:
                key = f"k:{next(self.keys)}"
                number, state, rule = submit(self.admin, self.session, key, symbol, quantity, **terms)
                if state == "allowed":
                    return number
                assert rule == "link"
                await asyncio.sleep(0.01)

    async def buys(self, final: set[str], quantity: float = 10, **terms: Any) -> int:
        """As buy, and waits for one of these states."""
        number = await self.buy(quantity, **terms)
        await self.settled([number], final)
        return number

    async def settled(self, numbers: list[int], final: set[str], seconds: float = 10) -> None:
        await self.until(lambda: self.states(numbers) <= final, seconds)

    async def reconnected(self, logins: int) -> None:
        """Ready again over a later connection than the n-th."""
        await self.until(lambda: self.gateway.logins > logins)
        await self.until(lambda: self.link and self.link.at and self.link.at.is_settled)
        await self.ready()

    def value(self, statement: str, *values: object) -> Any:
        return self.account.value(statement, *values)

    def count(self, what: str) -> int:
        """Rows of the account; `what` is a table of the desk, or one and a condition."""
        table, _, more = what.partition(" where ")
        condition = f" and {more}" if more else ""
        return int(
            self.value(f"select count(*) from desk.{table} where account_id = %s{condition}", self.account.id)
        )

    def state(self, number: int) -> str:
        return str(self.value("select state from desk.broker_orders where id = %s", number))

    def states(self, numbers: list[int]) -> set[str]:
        rows = self.admin.execute("select state from desk.broker_orders where id = any (%s)", (numbers,))
        return {row[0] for row in rows}

    def at_broker(self, number: int) -> list[Order]:
        prefix = self.value("select order_prefix from desk.accounts where id = %s", self.account.id)
        return [o for o in self.broker.orders.values() if o.terms["ref"] == f"{prefix}-{number}"]

    def events(self, like: str = "%") -> list[str]:
        rows = self.admin.execute(
            "select message from desk.link_events where account_id = %s and message like %s order by id",
            (self.account.id, like),
        )
        return [row[0] for row in rows]

    def agrees(self) -> None:
        """Positions, executions and each order are the broker's, and nothing is unsettled."""
        rows = self.admin.execute(
            "select symbol, sum(quantity) from desk.positions where account_id = %s group by 1",
            (self.account.id,),
        )
        ours = {symbol: held for symbol, held in rows if held}
        assert ours == {s: held for s, (held, _) in self.broker.positions.items() if held}
        keys = self.admin.execute(
            "select execution_key || '.' || lpad(revision::text, 2, '0') from desk.executions"
            " where account_id = %s",
            (self.account.id,),
        )
        assert sorted(k for (k,) in keys) == sorted(e.id for e in self.broker.executions)
        open_ones = self.admin.execute(
            "select id, state, filled from desk.broker_orders where account_id = %s", (self.account.id,)
        )
        for number, state, filled in open_ones:
            there = self.at_broker(number)
            assert len(there) <= 1
            words = {"Filled": "filled", "Cancelled": "cancelled"}
            expected = words.get(there[0].status, "working") if there else None
            assert state in ({expected} if there else {"never_sent", "rejected", "cancelled", "refused"}), (
                number,
                state,
            )
            assert filled == (there[0].filled if there else 0)


@asynccontextmanager
async def scene(
    desk: Desk, script: str = "", *, version: int = 178, starts: bool = True
) -> AsyncIterator[Scene]:
    with desk.connect("admin") as admin:
        for name, value in QUICK.items():
            admin.execute(
                "update desk.settings set value = to_jsonb(%s::float8) where name = %s", (value, name)
            )
        name = f"DU{next(_names):07d}"
        account = open_account(admin, name)
        session = account.session(1_000_000)
        broker = Broker(account=name, last=dict.fromkeys(SYMBOLS, 100.0))
        async with Gateway(broker, version) as gateway:
            gateway.play(script)
            admin.execute(
                "update desk.accounts set broker = 'ib', cancels_at_once = false, gateway = %s where id = %s",
                (f"127.0.0.1:{gateway.port}", account.id),
            )
            here = Scene(desk, admin, account, session, gateway)
            if starts:
                await here.start()
                await here.ready()
            try:
                yield here
            finally:
                if here.task and not here.task.done():
                    await here.kill()


def run(desk: Desk, act: Callable[[Scene], Any], script: str = "", **options: Any) -> None:
    """Plays a scene to its end."""

    async def played() -> None:
        async with scene(desk, script, **options) as here:
            await act(here)

    played_out(played())
