"""The link against the stand-in: orders go out once, and every word and every silence has its outcome."""

from __future__ import annotations

import asyncio

import pytest

from testing.desks import Desk
from tests.tws.scene import Scene, run


@pytest.mark.parametrize("version", [176, 178])
def test_orders_are_carried_out_and_written_down(desk: Desk, version: int) -> None:
    async def act(here: Scene) -> None:
        market = here.buy()
        await here.until(lambda: here.state(market) == "filled")
        resting = here.buy(5, type="limit", limit_price=90)
        stop = here.buy(-5, type="stop", stop_price=80)
        await here.until(lambda: here.states([resting, stop]) == {"working"})
        assert (
            here.value("select permanent_id from desk.broker_orders where id = %s", resting)
            == here.at_broker(resting)[0].perm
        )
        here.value(
            "select desk.request_cancel(%s::bigint, key) from desk.broker_orders where id = %s",
            here.session,
            stop,
        )
        await here.until(lambda: here.state(stop) == "cancelled")
        here.gateway.price("AAA", 89)
        await here.until(lambda: here.state(resting) == "filled")
        await here.until(
            lambda: (
                here.value(
                    "select count(commission) from desk.executions where account_id = %s", here.account.id
                )
                == 2
            )
        )
        here.agrees()
        assert (
            here.value("select cash from desk.session_ledgers where trading_session_id = %s", here.session)
            == 1_000_000 - 1000 - 445 - 2
        )

    run(desk, act, version=version)


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("order 1: lost", "never_sent"),
        ("order 1: mute", "filled"),
        ("order 1: mute\norder 1: held", "working"),
        ("order 1: dies before", "never_sent"),
        ("order 1: dies after", "filled"),
        ("order 1: late 0.4", "filled"),
        ("order 1: rejected 201 Order rejected - reason: no money", "rejected"),
        ("order 1: rejected 103 Duplicate order id", "never_sent"),
        ("order 1: rejected 99999 What nobody knows", "never_sent"),
        ("order 1: read-only", "never_sent"),
        ("order 1: partial 3 4", "filled"),
        ("fill 1: twice", "filled"),
        ("fill 1: silent", "filled"),
        ("fill 1: corrected 101", "filled"),
        ("fill 1: fee late 0.05", "filled"),
    ],
)
def test_every_order_has_one_outcome(desk: Desk, script: str, outcome: str) -> None:
    async def act(here: Scene) -> None:
        order = here.buy()
        await here.until(lambda: here.state(order) == outcome)
        await here.ready()
        await asyncio.sleep(0.06)
        here.agrees()

    run(desk, act, script)


def test_the_first_order_travels_alone(desk: Desk) -> None:
    """A window at the gateway's first order drops what comes before it is closed."""

    async def act(here: Scene) -> None:
        orders = [here.buy(1) for _ in range(5)]
        await here.until(lambda: here.states(orders) == {"filled"})
        here.agrees()

    run(desk, act, "order 1: window 0.1")
