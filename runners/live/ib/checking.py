"""`backdesk link check`: can the account trade over this gateway? It places nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from runners.live.ib.connection import Terms
from runners.live.ib.hearing import RequestFailed
from runners.live.ib.library import library
from runners.live.ib.orders import contract_of
from runners.live.ib.wire import NoAnswer, Refused, Wire

OTHER_CLIENT = 5000
"""Added to the link's client id, so that a link that runs is not in the way."""
CLOCK_SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    is_good: bool
    what: str


async def check(
    connection: psycopg.Connection[Any], account: str, symbol: str, *, deadline: float = 10
) -> AsyncIterator[Finding]:
    """A line a matter, in the order in which they are found out; ends where nothing further can be."""

    def row(statement: str, *values: object) -> Any:
        found = connection.execute(statement.encode(), values).fetchone()
        assert found
        return found[0]

    terms = Terms.of(row("select desk.link_terms(%s)", account))
    used = library()
    wire = Wire(used, lambda word: None, deadline=deadline)
    where = f"{terms.host}:{terms.port}"
    try:
        accounts = await wire.connect(terms.host, terms.port, terms.client_id + OTHER_CLIENT)
    except Refused as refused:
        yield Finding(False, f"no gateway at {where}: {refused}; is it logged in, with its API switched on?")
        return
    try:
        yield Finding(True, f"{used.name} is connected to {where}, server version {wire.version}")
        try:
            row("select desk.check_broker_account(%s, %s)", account, accounts)
            yield Finding(
                True, f"{account} is a {terms.kind} account of this log-in ({len(accounts)} in all)"
            )
        except psycopg.DatabaseError as error:
            yield Finding(False, f"{error.diag.message_primary}. {error.diag.message_hint}")
        for what, ask in _questions(wire, terms, symbol, row):
            try:
                yield await ask()
            except (NoAnswer, RequestFailed) as error:
                yield Finding(False, f"{what}: {error}")
        yield Finding(True, "precautions of the gateway cannot be read: have API orders bypass them there")
    finally:
        wire.close()


def _questions(
    wire: Wire, terms: Terms, symbol: str, row: Callable[..., Any]
) -> list[tuple[str, Callable[[], Awaitable[Finding]]]]:
    contract = contract_of(wire.library, symbol, terms.currency)

    async def clock() -> Finding:
        ahead = await wire.time(wire.deadline) - float(
            row("select extract(epoch from clock_timestamp())::float8")
        )
        return Finding(
            abs(ahead) < CLOCK_SECONDS, f"the gateway's clock is {ahead:+.1f} s off the database's"
        )

    async def orders() -> Finding:
        if await wire.is_read_only():
            return Finding(False, "the gateway is read-only: untick Read-Only API in its settings")
        return Finding(True, "the gateway takes orders")

    async def known() -> Finding:
        open_orders, done = await wire.open_orders(), await wire.completed_orders()
        fills, held = await wire.executions(), await wire.positions(terms.account)
        return Finding(
            True,
            f"{len(open_orders)} open and {len(done)} completed orders, {len(fills)} fills today, "
            f"{len(held)} positions",
        )

    async def found() -> Finding:
        count = len(await wire.contracts(contract))
        return Finding(count == 1, f"{count} contract of {symbol} in {terms.currency}")

    async def prices() -> Finding:
        await wire.snapshot(contract)
        return Finding(True, f"prices of {symbol} come")

    return [
        ("clock", clock),
        ("orders", orders),
        ("what the broker knows", known),
        (f"contract of {symbol}", found),
        (f"prices of {symbol}", prices),
    ]


def checked(
    connection: psycopg.Connection[Any], account: str, symbol: str, say: Callable[[Finding], None]
) -> bool:
    """Says each finding as it comes; whether all are good."""

    async def all_of() -> bool:
        good = True
        async for finding in check(connection, account, symbol):
            say(finding)
            good = good and finding.is_good
        return good

    return asyncio.run(all_of())
