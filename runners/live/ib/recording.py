"""`backdesk link record`: a conversation with a gateway as a file of lines, with accounts under other names.

The first line is `{"version": 178, "library": "..."}`; each other one a message: seconds since the
start, to whom (`gateway` or `client`), and its fields as they were sent. tests/tws/playback.py plays it back.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runners.live.ib.connection import Terms
from runners.live.ib.hearing import RequestFailed
from runners.live.ib.library import library
from runners.live.ib.orders import contract_of
from runners.live.ib.wire import NoAnswer, Wire

OTHER_CLIENT = 6000
"""Added to the link's client id, so that a link that runs is not in the way."""
MANAGED_ACCOUNTS, OPEN_ORDER, COMPLETED_ORDER, EXECUTION = "15", "5", "101", "11"
REFERENCE = {OPEN_ORDER: 23, COMPLETED_ORDER: 22, EXECUTION: 26}
"""Place of what a person may have written into an order."""


class Masks:
    """Other names for accounts, wherever they stand, and for references that are not a desk's."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.references: dict[str, str] = {}

    def learn(self, account: str) -> None:
        self.names.setdefault(
            account, f"{account[:1] if account[:1] == 'D' else ''}U{len(self.names) + 1:07d}"
        )

    def hide(self, fields: list[str]) -> list[str]:
        if fields[0] == MANAGED_ACCOUNTS:
            for account in filter(None, fields[2].split(",")):
                self.learn(account)
        hidden = list(fields)
        place = REFERENCE.get(fields[0])
        if place is not None and not re.fullmatch(r"([a-z0-9]{3,20}-\d+)?", hidden[place]):
            hidden[place] = self.references.setdefault(hidden[place], f"reference {len(self.references) + 1}")
        if self.names:
            accounts = re.compile("|".join(map(re.escape, sorted(self.names, key=len, reverse=True))))
            hidden = [accounts.sub(lambda found: self.names[found[0]], field) for field in hidden]
        return hidden


def tapped(wire: Wire, note: Callable[[str, list[str]], None]) -> None:
    """Hands on each message of a connection before it is sent or read."""
    read, send = wire.client.decoder.interpret, wire.client.sendMsg

    def interpret(fields: list[str]) -> None:
        note("client", list(fields))
        read(fields)

    def send_message(text: str | None) -> None:
        if text:
            note("gateway", text.split("\0")[:-1])
        send(text)

    wire.client.decoder.interpret, wire.client.sendMsg = interpret, send_message


async def record(terms: dict[str, Any], file: Path, symbol: str, seconds: float) -> int:
    """Asks everything that a link asks, listens for so long, places nothing; answers the number of messages.

    Raises Refused.
    """
    known, used, masks, began = Terms.of(terms), library(), Masks(), time.monotonic()
    masks.learn(known.account)
    wire = Wire(used, lambda word: None)
    lines: list[str] = []

    def note(to: str, fields: list[str]) -> None:
        at = round(time.monotonic() - began, 3)
        lines.append(json.dumps({"at": at, "to": to, "fields": masks.hide(fields)}))

    tapped(wire, note)
    try:
        await wire.connect(known.host, known.port, known.client_id + OTHER_CLIENT)
        head = json.dumps({"version": wire.version, "library": used.name})
        contract = contract_of(used, symbol, known.currency)
        for ask in (
            wire.open_orders,
            wire.completed_orders,
            wire.executions,
            lambda: wire.positions(known.account),
            lambda: wire.values(known.account),
            lambda: wire.contracts(contract),
            lambda: wire.time(wire.deadline),
        ):
            try:
                await ask()
            except (NoAnswer, RequestFailed):
                # What is missing is a part of what is recorded.
                continue
        await asyncio.sleep(seconds)
    finally:
        wire.close()
    file.write_text("".join(f"{line}\n" for line in [head, *lines]), encoding="utf-8")
    return len(lines)
