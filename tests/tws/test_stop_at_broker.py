"""The stop that needs no desk: orders of every client are cancelled, and what is left is said."""

from __future__ import annotations

from typing import Any

import ib_async as ib
import pytest

from runners.errors import DeskError
from runners.live import broker_stop
from runners.live.broker_stop import AtBroker, stop_at_broker
from tests.tws.broker import Broker
from tests.tws.gateway import Gateway
from tests.tws.loop import played_out
from tests.tws.test_stand_in import bought, until


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_stop, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(broker_stop, "CANCEL_SECONDS", 0.5)
    monkeypatch.setattr(broker_stop, "LOOK_SECONDS", 0.01)


def stopped(script: str = "", account: str | None = None) -> tuple[AtBroker | DeskError, Broker]:
    """Ten shares held, an exit of another client and an entry of a third resting; then the stop."""

    async def scene() -> tuple[AtBroker | DeskError, Broker]:
        async with Gateway(Broker(last={"SPY": 100.0})) as gateway:
            clients = [ib.IB(), ib.IB()]
            for number, client in enumerate(clients):
                await client.connectAsync(
                    "127.0.0.1", gateway.port, clientId=7 + number, timeout=1, fetchFields=ib.StartupFetchNONE
                )
            held = bought(clients[0])
            await until(lambda: held.orderStatus.status == "Filled")
            exit_, entry = (
                bought(clients[0], "a-2", action="SELL", orderType="STP", auxPrice=80),
                bought(clients[1], "by hand", orderType="LMT", lmtPrice=90),
            )
            await until(lambda: exit_.orderStatus.status == entry.orderStatus.status == "PreSubmitted")
            gateway.play(script)
            found: Any
            try:
                found = await stop_at_broker("127.0.0.1", gateway.port, account or gateway.broker.account)
            except DeskError as error:
                found = error
            for client in clients:
                client.disconnect()
            return found, gateway.broker

    return played_out(scene())


def test_everything_is_cancelled_whoever_placed_it() -> None:
    found, broker = stopped()
    assert isinstance(found, AtBroker)
    assert found.is_over
    assert [order.status for order in broker.orders.values()] == ["Filled", "Cancelled", "Cancelled"]
    assert found.lines() == [
        "asked for a global cancel; it also cancels what was placed by hand",
        "no order is open",
        "position open: 10 SPY",
        "positions stay as they are, without any exit resting at the broker",
    ]


def test_no_answer_is_not_taken_for_nothing_open() -> None:
    found, _ = stopped("request open orders: no answer\nrequest positions: no answer")
    assert isinstance(found, AtBroker)
    assert not found.is_over
    assert [line.partition(":")[2][:10] for line in found.lines()[1:]] == [" not known"] * 2


def test_another_account_cancels_nothing() -> None:
    found, broker = stopped(account="DU999")
    assert "not DU999" in str(found)
    assert [order.is_open for order in broker.orders.values()] == [False, True, True]


def test_a_gateway_that_is_not_there_is_said_with_what_to_do() -> None:
    with pytest.raises(DeskError, match=r"^no gateway answers at 127\.0\.0\.1:1: "):
        played_out(stop_at_broker("127.0.0.1", 1, "DU1"))
