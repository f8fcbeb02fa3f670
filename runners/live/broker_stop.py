"""The stop that needs neither desk nor database: everything is cancelled at the broker itself.

`python -m runners.live.broker_stop HOST PORT ACCOUNT`, or `backdesk stop --at-broker`. It asks a gateway of
Interactive Brokers for a global cancel, which also takes orders that were placed by hand, and shows what is
still open. It closes no position.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from runners.errors import DeskError
from runners.live.ib.library import NAMES
from runners.reporting import exit_codes

ANSWER_SECONDS = 5.0
CANCEL_SECONDS = 15.0
LOOK_SECONDS = 0.3
# Of a client of its own; what others have placed a global cancel takes all the same.
CLIENTS = range(900, 1000)
BY_HAND = "cancel and close in the broker's own program, or by its telephone"
T = TypeVar("T")


@dataclass(frozen=True)
class AtBroker:
    """What is still open: orders and positions in words; None where the broker did not say."""

    orders: Sequence[str] | None
    positions: Sequence[str] | None

    @property
    def is_over(self) -> bool:
        return self.orders is not None and not self.orders

    def lines(self) -> list[str]:
        said = ["asked for a global cancel; it also cancels what was placed by hand"]
        for what, found in (("order", self.orders), ("position", self.positions)):
            if found is None:
                said.append(f"{what}s: not known, the gateway did not answer; {BY_HAND}")
            elif not found:
                said.append(f"no {what} is open")
            else:
                said += [f"{what} open: {one}" for one in found]
        if self.positions:
            said.append("positions stay as they are, without any exit resting at the broker")
        return said


async def stop_at_broker(host: str, port: int, account: str) -> AtBroker:
    """Raises DeskError where nobody answers, or the gateway does not have the account."""
    library = _library()
    client = library.IB()
    try:
        await client.connectAsync(
            host, port, clientId=random.choice(CLIENTS), timeout=ANSWER_SECONDS, **_nothing_fetched(library)
        )
    except (OSError, TimeoutError) as error:
        raise DeskError(
            f"no gateway answers at {host}:{port}: {type(error).__name__}", hint=BY_HAND
        ) from error
    try:
        accounts = client.managedAccounts()
        if account not in accounts:
            raise DeskError(
                f"the gateway at {host}:{port} has {', '.join(accounts)}, not {account}",
                hint="nothing was cancelled; name an account that it has",
            )
        client.reqGlobalCancel()
        orders = await _open_orders(client, account)
        found = await _answered(client.reqPositionsAsync())
        positions = None if found is None else [
            f"{one.position:g} {one.contract.localSymbol or one.contract.symbol}"
            for one in found if one.account == account and one.position
        ]  # fmt: skip
        return AtBroker(orders, positions)
    finally:
        client.disconnect()


async def _open_orders(client: Any, account: str) -> list[str] | None:
    """Those that are left when all are cancelled, or the time is over."""
    end = asyncio.get_running_loop().time() + CANCEL_SECONDS
    while True:
        found = await _answered(client.reqAllOpenOrdersAsync())
        over = asyncio.get_running_loop().time() > end
        if found is None:
            if over or not client.isConnected():
                return None
            continue
        left = [
            f"{one.order.action} {one.order.totalQuantity:g} {one.contract.symbol} {one.order.orderType}"
            f" {one.order.orderRef}".rstrip()
            for one in found
            if one.order.account in ("", account) and not one.isDone()
        ]
        if not left or over:
            return left
        await asyncio.sleep(LOOK_SECONDS)


async def _answered(asked: Awaitable[T]) -> T | None:
    """None where no answer came: that is not an empty one."""
    with suppress(TimeoutError, ConnectionError):
        return await asyncio.wait_for(asked, ANSWER_SECONDS)
    return None


def _library() -> Any:
    for name in NAMES:
        with suppress(ModuleNotFoundError):
            return import_module(name)
    raise DeskError(
        "Interactive Brokers is reached by ib_async, which is not installed",
        hint=f"pip install 'backdesk[ib]'; until then {BY_HAND}",
    )


def _nothing_fetched(library: Any) -> dict[str, Any]:
    """The client would ask for all orders and executions as it connects, which may hang."""
    nothing = getattr(library, "StartupFetchNONE", None)
    return {} if nothing is None else {"fetchFields": nothing}


def run(host: str, port: int, account: str) -> bool:
    """Prints what was found; whether no order is open any more."""
    found = asyncio.run(stop_at_broker(host, port, account))
    for line in found.lines():
        print(line)
    return found.is_over


def main() -> None:
    with exit_codes():
        if len(sys.argv) != 4:
            raise DeskError("it wants a host, a port and an account", hint="such as 127.0.0.1 4002 DU123456")
        if not run(sys.argv[1], int(sys.argv[2]), sys.argv[3]):
            sys.exit(1)


if __name__ == "__main__":
    main()
