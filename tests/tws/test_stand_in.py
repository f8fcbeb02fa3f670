"""The stand-in is a gateway to the real client: both server versions, every answer, the faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import ib_async as ib
import pytest

from tests.tws.broker import Broker
from tests.tws.gateway import Gateway
from tests.tws.loop import played_out
from tests.tws.script import Script

VERSIONS = (176, 178)


def played(
    text: str, act: Callable[[Gateway, ib.IB], Coroutine[Any, Any, None]], version: int = 178
) -> Gateway:
    """What becomes of a gateway that plays a script while the real client acts."""

    async def scene() -> Gateway:
        async with Gateway(Broker(last={"SPY": 100.0}), version) as gateway:
            gateway.play(text)
            client = ib.IB()
            await client.connectAsync(
                "127.0.0.1", gateway.port, clientId=7, timeout=1, fetchFields=ib.StartupFetchNONE
            )
            try:
                await act(gateway, client)
            finally:
                client.disconnect()
        return gateway

    return played_out(scene())


async def until(true: Callable[[], object], seconds: float = 2) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.001)


def bought(client: ib.IB, ref: str = "a-1", quantity: float = 10, **terms: Any) -> ib.Trade:
    order = ib.Order(action="BUY", totalQuantity=quantity, orderType="MKT", orderRef=ref)
    for name, value in terms.items():
        setattr(order, name, value)
    return client.placeOrder(ib.Stock("SPY", "SMART", "USD"), order)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_real_client_reads_every_answer(version: int) -> None:
    async def act(gateway: Gateway, client: ib.IB) -> None:
        trade = bought(client)
        await until(lambda: trade.fills and trade.fills[0].commissionReport.commission == 1)
        resting = bought(client, "a-2", orderType="LMT", lmtPrice=90)
        stop = bought(client, "a-3", action="SELL", orderType="STP", auxPrice=80)
        await until(lambda: resting.orderStatus.status == stop.orderStatus.status == "PreSubmitted")
        assert [t.order.orderRef for t in await client.reqAllOpenOrdersAsync()] == ["a-2", "a-3"]
        client.cancelOrder(stop.order)
        await until(lambda: stop.orderStatus.status == "Cancelled")
        gateway.price("SPY", 89)
        await until(lambda: resting.orderStatus.status == "Filled")
        done = {t.order.orderRef: t.orderStatus.status for t in await client.reqCompletedOrdersAsync(False)}
        assert done == {"a-1": "Filled", "a-2": "Filled", "a-3": "Cancelled"}
        assert [(f.execution.orderRef, f.execution.price) for f in await client.reqExecutionsAsync()] == [
            ("a-1", 100), ("a-2", 89),
        ]  # fmt: skip
        assert [(p.contract.symbol, p.position) for p in await client.reqPositionsAsync()] == [("SPY", 20)]
        values = {v.tag: v.value for v in await client.accountSummaryAsync()}
        assert values["TotalCashValue"] == "98108.0"
        assert await client.qualifyContractsAsync(ib.Stock("SPY", "SMART", "USD")) != [None]
        assert await client.reqCurrentTimeAsync()
        whole = ib.IB()
        # All that the client asks by itself.
        await whole.connectAsync("127.0.0.1", gateway.port, clientId=8, timeout=1, raiseSyncErrors=True)
        assert len(whole.fills()) == 2
        whole.disconnect()

    assert played("", act, version).broker.written == {"a-1": 1, "a-2": 1, "a-3": 1}


@pytest.mark.parametrize(
    ("script", "statuses", "at_broker"),
    [
        ("order 1: lost", ["PendingSubmit"], []),
        ("order 1: mute", ["PendingSubmit"], ["Filled"]),
        ("order 1: rejected 201 Order rejected - reason: no money", ["Cancelled"], []),
        ("order 1: read-only", ["ValidationError"], []),
        ("order 1: held", ["Submitted"], ["Submitted"]),
        ("order 1: partial 3 4", ["Filled"], ["Filled"]),
        ("order 1: dies before", [], []),
        ("order 1: dies after", [], ["Filled"]),
        ("order 1: window 0.05\norder 1: held", ["Submitted"], ["Submitted"]),
    ],
)
def test_faults_of_orders(script: str, statuses: list[str], at_broker: list[str]) -> None:
    """What the client believes, which is not what happened: an order that was taken may look lost."""

    async def act(gateway: Gateway, client: ib.IB) -> None:
        trade = bought(client)
        await asyncio.sleep(0.07)
        await until(lambda: [trade.orderStatus.status] == statuses or not client.isConnected())

    broker = played(script, act).broker
    assert [o.status for o in broker.orders.values()] == (at_broker or [])


def test_an_answer_without_an_end_is_no_empty_answer() -> None:
    async def act(gateway: Gateway, client: ib.IB) -> None:
        gateway.play("request positions: no end\nrequest open orders: no answer\nrequest executions: no end")
        for ask in (client.reqPositionsAsync, client.reqAllOpenOrdersAsync, client.reqExecutionsAsync):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask(), 0.02)

    played("", act)


def test_while_it_is_cut_off_nothing_is_told_and_fills_go_on() -> None:
    async def act(gateway: Gateway, client: ib.IB) -> None:
        said: list[int] = []
        client.errorEvent += lambda _, code, *__: said.append(code)
        trade = bought(client)
        await until(lambda: trade.orderStatus.status == "Submitted")
        gateway.happen("cut", "0.03", "1102")
        gateway.fill(gateway.broker.orders[900_001], 10, 100)
        await until(lambda: 1102 in said)
        assert trade.orderStatus.status == "Submitted"
        assert len(await client.reqExecutionsAsync()) == 1

    played("order 1: held", act)


def test_a_restart_keeps_what_the_broker_knows_and_may_give_ids_again() -> None:
    async def act(gateway: Gateway, client: ib.IB) -> None:
        first = bought(client)
        await until(lambda: first.orderStatus.status == "Filled")
        gateway.happen("ids", "back", "1")
        await gateway.restart(0)
        await until(lambda: not client.isConnected())
        await client.connectAsync(
            "127.0.0.1", gateway.port, clientId=7, timeout=1, fetchFields=ib.StartupFetchNONE
        )
        second = bought(client, "a-2")
        await until(lambda: second.orderStatus.status == "Filled")
        assert first.order.orderId == second.order.orderId

    assert len(played("", act).broker.executions) == 2


def test_fills_are_doubled_corrected_and_their_fees_come_late() -> None:
    async def act(gateway: Gateway, client: ib.IB) -> None:
        trade = bought(client)
        await until(lambda: len(trade.fills) == 2 and trade.fills[1].commissionReport.commission)

    broker = played("fill 1: twice\nfill 1: corrected 101\nfill 1: fee late 0.02", act).broker
    assert [e.id[-2:] for e in broker.executions] == ["01", "02"]
    assert broker.cash == 100_000 - 1010 - 1


def test_more_messages_than_ib_takes_end_the_connection() -> None:
    async def act(gateway: Gateway, client: ib.IB) -> None:
        client.client.MaxRequests = 0
        for _ in range(60):
            client.client.reqCurrentTime()  # type: ignore[no-untyped-call]
        await until(lambda: not client.isConnected())

    played("", act)


def test_the_clock_of_the_broker_brings_what_was_planned() -> None:
    async def act(gateway: Gateway, client: ib.IB) -> None:
        gateway.move_clock(24 * 3600)
        await until(lambda: gateway.broker.positions)
        gateway.happen("split", "SPY", "2")
        assert gateway.broker.positions["SPY"] == (14, 50)

    played("at 23:45: position SPY 7", act)


@pytest.mark.parametrize(
    "line", ["order 1: explodes", "request weather: no end", "at noon: dies", "so: what"]
)
def test_a_script_that_says_nothing_known_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"^no "):
        Script().add(line)
