"""What no test of a link may do is seen by the stand-in: its own fixture would fail these tests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import ib_async as ib
import pytest

from tests.tws.gateway import Gateway
from tests.tws.test_stand_in import bought, played
from tests.tws.watching import watched


async def _twice(gateway: Gateway, client: ib.IB) -> None:
    bought(client)
    bought(client)
    await asyncio.sleep(0.02)


async def _unknown(gateway: Gateway, client: ib.IB) -> None:
    client.client.reqNewsProviders()  # type: ignore[no-untyped-call]
    await asyncio.sleep(0.02)


async def _unreadable(gateway: Gateway, client: ib.IB) -> None:
    gateway.each(lambda c: c.send(3, "x", "y"))
    await asyncio.sleep(0.02)


@pytest.mark.parametrize("act", [_twice, _unknown, _unreadable])
def test_what_no_test_may_do_is_seen(act: Callable[[Gateway, ib.IB], Coroutine[Any, Any, None]]) -> None:
    logging.getLogger("ib_async.wrapper").setLevel(logging.CRITICAL)
    with pytest.raises(AssertionError), watched():
        played("", act)
