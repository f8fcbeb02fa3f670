"""The link killed, cut off, lied to and restarted, as often as `make test` has time for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from runners.live.ib.link import Link
from testing.desks import Desk
from tests.tws.scene import Killed, Scene, run

LONG = (pytest.mark.long, pytest.mark.live)
PLACES = {
    "after the gate's commit": ("take_orders", "before"),
    "after sending": ("take_orders", "after"),
    "after write": ("place", "after"),
    "before the acknowledgement's record": ("record_status", "before"),
    "after the acknowledgement's record": ("record_status", "after"),
    "before the fill's record": ("record_fill", "before"),
    "after the fill's record": ("record_fill", "after"),
}


def dies_at(place: str) -> Callable[[Link], None]:
    """The link ends at this place of the next order, once."""
    name, when = PLACES[place]

    def arrange(link: Link) -> None:
        if name == "place":
            _die_after_write(link)
            return
        call = getattr(link.rows, name)

        async def dying(*values: Any, **named: Any) -> Any:
            if name == "record_fill" and not values[0].is_live:
                return await call(*values, **named)
            answer = await call(*values, **named) if when == "after" else True
            if answer:
                raise Killed
            return answer

        setattr(link.rows, name, dying)

    return arrange


def _die_after_write(link: Link) -> None:
    serve = link._serve

    async def serving(at: Any) -> None:
        write = at.wire.place

        def placed(*values: Any) -> int:
            write(*values)
            raise Killed

        at.wire.place = placed
        await serve(at)

    link._serve = serving  # type: ignore[method-assign]


@pytest.mark.parametrize("times", [2, pytest.param(500, marks=LONG)])
@pytest.mark.parametrize("place", PLACES)
def test_a_killed_link_doubles_and_forgets_nothing(desk: Desk, place: str, times: int) -> None:
    async def act(here: Scene) -> None:
        for _ in range(times):
            here.killed_at = dies_at(place)
            await here.start()
            await here.ready()
            order = await here.buy(1)
            await here.end()
            here.killed_at = lambda link: None
            await here.start()
            await here.settled([order], {"never_sent"} if place == "after sending" else {"filled"})
            await here.ready()
            await here.kill()
        here.agrees()

    run(desk, act, starts=False)


async def cut(here: Scene) -> None:
    here.gateway.happen("cut", "0.05", random.choice(("1101", "1102")))


async def socket_loss(here: Scene) -> None:
    here.gateway.happen("dies")


async def restart(here: Scene) -> None:
    here.gateway.happen("restart", "0.05")


@pytest.mark.parametrize("times", [2, pytest.param(70, marks=LONG)])
@pytest.mark.parametrize("happens", [cut, socket_loss, restart])
def test_a_burst_of_fills_is_whole_whatever_happens_in_it(
    desk: Desk, happens: Callable[[Scene], Awaitable[None]], times: int
) -> None:
    async def act(here: Scene) -> None:
        for _ in range(times):
            order = await here.buys({"working"}, 20)
            there = here.at_broker(order)[0]
            at = random.randrange(20)
            for number in range(20):
                if number == at:
                    await happens(here)
                here.gateway.fill(there, 1, 100 + number)
                await asyncio.sleep(0)
            await here.settled([order], {"filled"})
        await here.until(lambda: _fees_missing(here) == 0)
        here.agrees()
        cash = here.value("select cash from desk.session_ledgers where trading_session_id = %s", here.session)
        assert cash - 1_000_000 == here.broker.cash - 100_000

    run(desk, act, "order every: held")


def _fees_missing(here: Scene) -> Any:
    return here.value(
        "select count(*) from desk.executions where account_id = %s and commission is null", here.account.id
    )


@pytest.mark.parametrize("times", [20, pytest.param(300, marks=LONG)])
def test_orders_in_batches_that_are_dropped_muted_or_share_a_number(desk: Desk, times: int) -> None:
    async def act(here: Scene) -> None:
        draw = random.Random(times)
        orders: list[int] = []
        here.gateway.play(
            "\n".join(
                f"order {n}: {draw.choice(('lost', 'mute', 'mute', 'late 0.05', 'partial 2', 'held'))}"
                for n in range(2, times + 1, 2)
            )
        )
        for batch in range(times // 5):
            orders += [await here.buy(draw.randrange(3, 9)) for _ in range(5)]
            await here.settled(orders, {"filled", "working", "never_sent"}, 20)
            if batch % 2:
                # Numbers that were lost are given again.
                logins = here.gateway.logins
                here.gateway.happen("ids", "back", "1")
                here.gateway.happen("restart", "0.01")
                await here.reconnected(logins)
        here.agrees()
        assert {here.state(o) for o in orders if here.at_broker(o)} <= {"filled", "working"}

    run(desk, act)


@pytest.mark.parametrize("days", [5, pytest.param(200, marks=LONG)])
def test_nights_with_resting_orders_and_positions_need_nobody(desk: Desk, days: int) -> None:
    async def act(here: Scene) -> None:
        for day in range(days):
            await here.buys({"filled"}, 2)
            rests = await here.buy(1, type="limit", limit_price=90 - day % 50)
            today = await here.buys({"working"}, 1, type="limit", limit_price=10, time_in_force="day")
            await here.settled([rests], {"working"})
            if day % 2:
                here.gateway.price("AAA", 90 - day % 50)
                here.broker.last["AAA"] = 100
            # At night the day's order expires, and nobody tells of the day that was.
            logins = here.gateway.logins
            here.gateway.night()
            await here.gateway.restart(0.02)
            await here.reconnected(logins)
            await here.settled([today], {"cancelled"})
            assert here.state(rests) == ("filled" if day % 2 else "working")
        here.agrees()
        assert (
            here.value("select count(*) from desk.open_differences where account = %s", here.account.name)
            == 0
        )

    run(desk, act)


@pytest.mark.parametrize("times", [3, pytest.param(50, marks=LONG)])
def test_a_half_open_socket_is_noticed_within_the_probes_deadline(desk: Desk, times: int) -> None:
    async def act(here: Scene) -> None:
        for _ in range(times):
            await here.buys({"filled"}, 1)
            here.gateway.is_silent = True
            meanwhile, began = await here.buy(1), time.monotonic()
            await here.until(lambda: not here.gateway.conversations)
            # The silence that wakes the probe, and its deadline, as the settings say.
            assert time.monotonic() - began < 3 * 0.3
            here.gateway.is_silent = False
            await here.settled([meanwhile], {"never_sent", "filled"})
        here.agrees()

    run(desk, act)
