"""A connection in the middle of a full day: how long a link takes to know all of it."""

from __future__ import annotations

import asyncio
import time

import ib_async as ib
import pytest

from testing.desks import Desk
from tests.tws.scene import Scene, run

ORDERS, FILLS = 100, 500


@pytest.mark.long
@pytest.mark.live
def test_a_link_is_ready_again_in_the_middle_of_a_full_day(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    async def act(here: Scene) -> None:
        resting = [await here.buy(1, type="limit", limit_price=50) for _ in range(ORDERS)]
        await here.settled(resting, {"working"}, 60)
        whole = await here.buys({"working"}, FILLS, type="limit", limit_price=60)
        for _ in range(FILLS):
            here.gateway.fill(here.at_broker(whole)[0], 1, 60)
            await asyncio.sleep(0)
        await here.settled([whole], {"filled"}, 60)
        bare, link = [], []
        for number in range(5):
            client, began = ib.IB(), time.perf_counter()
            await client.connectAsync("127.0.0.1", here.gateway.port, clientId=900 + number, timeout=10)
            bare.append(time.perf_counter() - began)
            client.disconnect()
            logins, began = here.gateway.logins, time.perf_counter()
            here.gateway.happen("dies")
            await here.reconnected(logins)
            link.append(time.perf_counter() - began)
        here.agrees()
        with capsys.disabled():
            print(f"\nbare {sorted(bare)[2] * 1e3:.0f} ms, link to ready {sorted(link)[2] * 1e3:.0f} ms")

    run(desk, act)
