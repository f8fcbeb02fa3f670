"""The link's connection: whom it talks to, what it waits for, and what it concludes nothing from."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from runners.live.ib import sender
from runners.live.ib.library import library
from runners.live.ib.rows import Rows
from runners.live.ib.sender import Pace
from runners.live.ib.times import stated_time
from runners.live.ib.wire import NoAnswer, Refused, Wire
from testing.desks import Desk
from tests.tws.broker import Broker
from tests.tws.gateway import Gateway
from tests.tws.loop import played_out
from tests.tws.scene import Scene, run


def state(here: Scene) -> Any:
    return here.value("select state from desk.account_links where account_id = %s", here.account.id)


def test_an_answer_without_an_end_is_not_an_empty_one(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        order = await here.buys({"working"})
        assert here.link
        here.link.deadline = 0.05
        for name in ("open orders", "completed orders", "executions", "positions", "account"):
            here.gateway.play(f"request {name}: no end")
            before, logins = here.count("broker_looks where outcome = 'unanswered'"), here.gateway.logins
            here.gateway.happen("dies")
            await here.until(lambda: here.count("broker_looks where outcome = 'unanswered'") > before)  # noqa: B023
            assert (here.state(order), state(here)) == ("working", "reconciling"), name
            here.gateway.script.forget()
            await here.reconnected(logins)
            assert here.state(order) == "working"

    run(desk, act, "order 1: held")


def test_while_the_broker_is_cut_off_nothing_is_sent(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        order = await here.buy(type="limit", limit_price=90)
        await here.settled([order], {"working"})
        here.gateway.happen("cut", "0.1", "1101")
        await here.until(lambda: state(here) == "lost")
        await here.ready()
        here.gateway.say(2103, "Market data farm connection is broken:usfarm")
        await here.until(lambda: state(here) == "degraded")
        here.gateway.say(2104, "Market data farm connection is OK:other")
        here.gateway.say(2104, "Market data farm connection is OK:usfarm")
        await here.ready()
        assert [e for e in here.events() if e in ("lost", "degraded", "ready")][-4:] == [
            "lost",
            "ready",
            "degraded",
            "ready",
        ]
        assert here.state(order) == "working"

    run(desk, act)


def test_around_the_gateways_restart_nothing_leaves(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        near = "(clock_timestamp() at time zone restart_zone)::time + interval '20 seconds'"
        here.admin.execute(f"update desk.accounts set restart_at = {near} where id = {here.account.id}")
        await here.until(lambda: state(here) == "restarting")
        logins = here.gateway.logins
        here.gateway.happen("restart", "0.1")
        await here.until(lambda: here.gateway.logins > logins)
        assert "lost" not in here.events()
        here.admin.execute(f"update desk.accounts set restart_at = null where id = {here.account.id}")
        await here.ready()

    run(desk, act)


def test_positions_that_no_fill_explains_block_their_symbol_alone(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        await here.buys({"filled"}, 10)
        here.gateway.happen("split", "AAA", "2")
        confirmed = "reconcile_differences where confirmed_at is not null and ended_at is null"
        await here.until(lambda: here.count(confirmed) == 1)
        await here.buys({"filled"}, 1, symbol="BBB")
        blocked = here.value(
            "select id from desk.submit_order(%s::bigint, 'sell:1', 'AAA', -10::float8)", here.session
        )
        await here.settled([blocked], {"cancelled"})
        here.value(
            "select desk.accept_position(%s, 'AAA', 'split', %s::bigint)", here.account.name, here.session
        )
        await here.buys({"filled"}, -20)
        await here.until(lambda: here.count(confirmed) == 0)

    run(desk, act)


def test_what_somebody_trades_by_hand_belongs_to_no_session(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        here.gateway.happen("trade", "CCC", "7")
        # It is told to another client, so the next look finds it.
        await here.until(lambda: here.events("7 CCC at 100 was traded by somebody else%"))
        await here.until(lambda: here.count("positions where trading_session_id is null") == 1)
        await here.ready()

    run(desk, act)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("20260105 09:30:00 US/Eastern", "14:30"),
        ("20260105 15:30:00 MET", "14:30"),
        ("20260105 14:30:00 Universal", "14:30"),
        ("20260705 16:30:00 MET", "14:30"),
        ("20260105-14:30:00", "14:30"),
        ("20260105  14:30:00", "14:30"),
        ("1767623400", "14:30"),
        ("20260105 14:30:00 Nowhere/Land", None),
        ("20260105 25:30:00 UTC", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_time_of_a_fill_is_read_in_every_shape(text: str, utc: str | None) -> None:
    read = stated_time(text)
    assert (read.astimezone(dt.UTC).strftime("%H:%M") if read else None) == utc


def test_a_fill_whose_time_nobody_can_read_is_kept(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        order = await here.buys({"filled"})
        odd = "executions where as_stated ->> 'time' like '%%Nowhere/Land' and as_stated ? 'odd'"
        assert here.count(f"{odd} and order_id = {order} and executed_at > now() - interval '1 minute'") == 1
        assert here.events("The time % of a fill cannot be read")

    run(desk, act, "start: times Nowhere/Land")


def test_a_second_link_leaves_the_first_nothing(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        other = Rows(desk.connect("link"), here.account.name)
        await other.begin("elsewhere", 1)
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="Another link"):
            await here.until(lambda: False)
        other.close()

    run(desk, act)


@pytest.mark.parametrize(
    ("script", "accounts", "why"),
    [
        ("", ("U7654321",), "logged in for U7654321"),
        ("start: busy", (), "326"),
        ("start: no ids", (), "did not answer"),
    ],
)
def test_a_gateway_that_is_not_the_accounts(
    desk: Desk, script: str, accounts: tuple[str, ...], why: str
) -> None:
    async def act(here: Scene) -> None:
        here.gateway.accounts = accounts or here.gateway.accounts
        await here.start()
        if accounts:
            with pytest.raises(psycopg.errors.InvalidParameterValue, match=why):
                await here.until(lambda: False)
        else:
            await here.until(lambda: here.events(f"%{why}%"))
            assert state(here) in ("lost", "connecting")

    run(desk, act, script, starts=False)


def test_an_order_of_an_ended_session_or_of_nobody_is_cancelled(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        order = await here.buy(type="limit", limit_price=90)
        await here.settled([order], {"working"})
        there = here.at_broker(order)[0]
        # As after a restore: the desk takes for ended what is open.
        ended = "update desk.broker_orders set state = 'cancelled', cancelled_by = 'desk' where id = %s"
        here.admin.execute(ended, (order,))
        await here.until(lambda: there.status == "Cancelled")
        await here.until(lambda: not here.count("reconcile_differences where ended_at is null"))

    run(desk, act)


def test_a_word_of_another_order_of_the_same_number_is_not_this_ones(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        order = await here.buys({"working"})
        there = here.at_broker(order)[0]
        other = (3, there.id, "Cancelled", 0, 10, 0, there.perm + 77, 0, 0, there.client, "", 0)
        here.gateway.each(lambda c: c.send(*other))
        own = (3, there.id, "PendingCancel", 0, 10, 0, there.perm, 0, 0, there.client, "", 0)
        here.gateway.each(lambda c: c.send(*own))
        assert here.link
        assert here.link.at
        await here.link.at.recorded()
        await here.until(lambda: here.link and here.link.at and here.link.at.said[order] == "PendingCancel")
        assert here.state(order) == "working"

    run(desk, act, "order 1: held")


def test_an_order_that_waited_too_long_is_not_sent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(here: Scene) -> None:
        monkeypatch.setattr(sender, "FRESH_SECONDS", -1)
        order = await here.buys({"never_sent"})
        monkeypatch.undo()
        assert not here.at_broker(order)
        await here.buys({"filled"})
        here.agrees()

    run(desk, act)


def test_a_read_only_gateway_is_said_at_once_and_sends_nothing(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        await here.start()
        await here.until(lambda: here.events("the gateway is read-only%"))
        await here.until(lambda: state(here) == "degraded")

    run(desk, act, "start: read-only", starts=False)


def test_a_bracket_is_attached_and_its_exits_cancel_each_other(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        await here.buys({"filled"}, 1)
        bracket = [
            {"key": "b:1", "symbol": "AAA", "quantity": 10, "type": "limit", "limit_price": 95},
            {"key": "b:2", "quantity": -10, "type": "stop", "stop_price": 80},
            {"key": "b:3", "quantity": -10, "type": "limit", "limit_price": 120},
        ]
        asked = "select id from desk.submit_bracket(%s::bigint, %s)"
        rows = here.admin.execute(asked, (here.session, Jsonb(bracket))).fetchall()
        entry, stop, target = (row[0] for row in rows)
        await here.settled([entry, stop, target], {"working"})
        here.gateway.price("AAA", 94)
        await here.settled([entry], {"filled"})
        here.gateway.price("AAA", 121)
        await here.settled([target], {"filled"})
        await here.settled([stop], {"cancelled"})
        here.agrees()

    run(desk, act)


def test_cancels_pass_where_orders_wait() -> None:
    async def act() -> None:
        pace = Pace(8)
        while pace.room(0.75) > 0:
            pace.count()
        assert pace.room() == 2

    played_out(act())


def test_a_client_id_in_use_is_said_in_a_sentence_and_not_waited_for() -> None:
    async def act() -> None:
        async with Gateway(Broker()) as gateway:
            first, second = (Wire(library(), lambda word: None, deadline=2) for _ in range(2))
            await first.connect("127.0.0.1", gateway.port, 7)
            async with asyncio.timeout(1):
                with pytest.raises(Refused, match="already in use"):
                    await second.connect("127.0.0.1", gateway.port, 7)
            with pytest.raises(NoAnswer):
                await second.open_orders()
            first.close()
            with pytest.raises(Refused):
                await second.connect("127.0.0.1", 1, 7)

    played_out(act())
