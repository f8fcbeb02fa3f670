"""What a gateway said is recorded without its accounts, and said again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runners.live.ib import recording
from runners.live.ib.library import library
from runners.live.ib.wire import Wire
from tests.tws.broker import Broker
from tests.tws.gateway import Gateway
from tests.tws.loop import played_out
from tests.tws.playback import Playback

TERMS = {
    "account": "DU7654321", "kind": "paper", "currency": "USD", "prefix": "bd3fa2c1", "client_id": 7,
    "probe_seconds": 1, "look_seconds": 1, "broker_messages_per_second": 40,
}  # fmt: skip


async def _asked(wire: Wire, account: str) -> list[Any]:
    return [
        await wire.open_orders(),
        await wire.completed_orders(),
        await wire.executions(),
        await wire.positions(account),
        await wire.values(account),
    ]


@pytest.mark.parametrize("version", [176, 178])
def test_a_recorded_conversation_is_played_back(tmp_path: Path, version: int) -> None:
    file = tmp_path / "gateway.jsonl"

    async def act() -> None:
        broker = Broker(account="DU7654321", last={"SPY": 100.0})
        terms = {
            "action": "BUY", "qty": "5", "type": "LMT", "lmt": "90", "aux": "", "tif": "GTC", "ocaGroup": "",
            "account": "DU7654321", "ref": "bd3fa2c1-1", "parentId": "",
        }  # fmt: skip
        broker.accept(7, 1, "SPY", terms)
        broker.fill(broker.accept(7, 2, "SPY", terms | {"type": "MKT", "ref": "for Ms Smith"}), 5, 100)
        async with Gateway(broker, version, accounts=("DU7654321", "U99")) as gateway:
            there = TERMS | {"gateway": f"127.0.0.1:{gateway.port}"}
            assert await recording.record(there, file, "SPY", 0) > 20
            wire = Wire(library(), lambda word: None, deadline=1)
            await wire.connect("127.0.0.1", gateway.port, 9)
            said = await _asked(wire, "DU7654321")
            wire.close()
        assert not {"DU7654321", "U99", "Smith"} & set(
            file.read_text().replace('"', " ").replace(",", " ").split()
        )
        playback = Playback(file)
        async with await playback.listen() as server:
            wire = Wire(library(), lambda word: None, deadline=1)
            accounts = await wire.connect("127.0.0.1", server.sockets[0].getsockname()[1], 9)
            assert accounts == ["DU0000001", "U0000002"]
            again = await _asked(wire, "DU0000001")
            wire.close()
        as_recorded = repr(said).replace("DU7654321", "DU0000001").replace("for Ms Smith", "reference 1")
        assert repr(again) == as_recorded

    played_out(act())
