"""The link against the stand-in: orders go out once, and every word and every silence has its outcome."""

from __future__ import annotations

import pytest

from testing.desks import Desk
from tests.tws.scene import Scene, run


@pytest.mark.parametrize("version", [176, 178])
def test_orders_are_carried_out_and_written_down(desk: Desk, version: int) -> None:
    async def act(here: Scene) -> None:
        market = await here.buy()
        await here.until(lambda: here.state(market) == "filled")
        resting = await here.buy(5, type="limit", limit_price=90)
        stop = await here.buy(-5, type="stop", stop_price=80)
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


OUTCOMES = (
    ("order: lost", "never_sent"),
    ("order: mute", "filled"),
    ("order: dies before", "never_sent"),
    ("order: dies after", "filled"),
    ("order: late 0.4", "filled"),
    ("order: rejected 201 Order rejected - reason: no money", "rejected"),
    ("order: rejected 103 Duplicate order id", "never_sent"),
    ("order: rejected 99999 What nobody knows", "never_sent"),
    ("order: read-only", "never_sent"),
    ("order: partial 3 4", "filled"),
    ("order: held", "working"),
    ("fill: twice", "filled"),
    ("fill: silent", "filled"),
    ("fill: corrected 101", "filled"),
    ("fill: fee late 0.05", "filled"),
)


def test_every_order_has_one_outcome(desk: Desk) -> None:
    """Whatever is done to it, and whatever was done to those before it."""

    async def act(here: Scene) -> None:
        for script, outcome in OUTCOMES:
            kind, what = script.split(": ", 1)
            number = here.gateway.arrived if kind == "order" else here.gateway.filled
            here.gateway.play(f"{kind} {number + 1}: {what}")
            order = await here.buys({outcome})
            assert len(here.at_broker(order)) <= 1, script
            await here.until(lambda: here.link and here.link.at and here.link.at.is_settled)
        await here.until(lambda: here.count("executions where commission is null") == 0)
        here.agrees()

    run(desk, act)


def test_the_first_order_travels_alone(desk: Desk) -> None:
    """A window at the gateway's first order drops what comes before it is closed."""

    async def act(here: Scene) -> None:
        orders = [await here.buy(1) for _ in range(5)]
        await here.until(lambda: here.states(orders) == {"filled"})
        here.agrees()

    run(desk, act, "order 1: window 0.1")
