"""One client's socket: messages in and out, and how an answer is scripted."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from tests.tws.fields import text

if TYPE_CHECKING:
    from tests.tws.gateway import Gateway

PACE = 50
"""Messages a second that IB takes."""


class Wire(asyncio.Protocol):
    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self.broker = gateway, gateway.broker
        self.buffer, self.greeted, self.client = b"", False, -1
        self.version = gateway.version
        """Of the protocol: the newest that both know."""
        self.wants_positions = False
        self.times: deque[float] = deque(maxlen=PACE)

    # The wire

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.gateway.conversations.append(self)  # type: ignore[arg-type]

    def connection_lost(self, _: Exception | None) -> None:
        if self in self.gateway.conversations:
            self.gateway.conversations.remove(self)  # type: ignore[arg-type]

    def send(self, *values: object) -> None:
        if not (self.gateway.is_silent or self.transport.is_closing()):
            self.write("".join(text(v) + "\0" for v in values).encode())

    def write(self, content: bytes) -> None:
        framed = struct.pack(">I", len(content)) + content
        self.gateway.recorded.append(("out", framed))
        self.transport.write(framed)

    def data_received(self, data: bytes) -> None:
        self.gateway.recorded.append(("in", data))
        self.buffer += data
        if not self.greeted:
            if len(self.buffer) < 8 or len(self.buffer) < 8 + struct.unpack(">I", self.buffer[4:8])[0]:
                return
            hello = self.buffer[8 : 8 + struct.unpack(">I", self.buffer[4:8])[0]].decode().split(" ")[0]
            self.buffer = self.buffer[8 + struct.unpack(">I", self.buffer[4:8])[0] :]
            self.greeted = True
            offered = int(hello.rpartition(".")[2])
            self.version = min(self.gateway.version, offered)
            if not self.gateway.is_silent:
                at = time.strftime("%Y%m%d %H:%M:%S", time.gmtime(self.broker.now))
                self.write(f"{self.version}\0{at} UTC\0".encode())
        while len(self.buffer) > 4:
            size = struct.unpack(">I", self.buffer[:4])[0]
            if len(self.buffer) < 4 + size:
                return
            values = self.buffer[4 : 4 + size].decode().split("\0")[:-1]
            self.buffer = self.buffer[4 + size :]
            self.heard(values)

    def heard(self, values: list[str]) -> None:
        handler = getattr(self, f"on_{values[0]}", None)
        now = time.monotonic()
        if handler is None:
            self.broker.unanswered.append(values)
        elif self.transport.is_closing():
            return
        elif len(self.times) == PACE and now - self.times[0] < 1:
            self.error(-1, 100, "Max rate of messages per second has been exceeded:max=50")
            self.transport.close()
        else:
            self.times.append(now)
            if values[0] == "3":
                self.broker.written[values[26]] += 1
            if not self.gateway.is_silent and not (self.gateway.is_cut and values[0] not in ("49", "71")):
                handler(values)

    def error(self, request: int, code: int, said: str) -> None:
        self.send(4, 2, request, code, said, "")

    def answer(self, name: str, request: int, act: Any) -> None:
        """Carries out an answer as the script has it; `act` is told whether to say the end."""
        happens = self.gateway.script.of_request(name)
        if "error" in happens:
            self.error(request, int(happens["error"][0]), " ".join(happens["error"][1:]))
        elif happens.get("no") == ("answer",):
            return
        elif "late" in happens:
            self.gateway.later(float(happens["late"][0]), lambda: act(True))
        else:
            act("no" not in happens)
