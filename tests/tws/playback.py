"""Plays a recorded conversation (`backdesk link record`) back: each question gets the answer it had then."""

from __future__ import annotations

import asyncio
import json
import struct
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

_QUESTION = {"7": 2, "9": 2, "62": 2, "4": 2, "1": 2}
"""Place of a question's number in what the client sends."""
_ANSWER = {"11": 1, "55": 2, "63": 2, "64": 2, "10": 1, "52": 2, "4": 2}
"""And in what it is answered."""


class Playback(asyncio.Protocol):
    def __init__(self, file: Path) -> None:
        head, *lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        self.version: int = head["version"]
        self.answers: dict[str, deque[tuple[list[str], list[list[str]]]]] = defaultdict(deque)
        asked: list[list[str]] = []
        for line in lines:
            if line["to"] == "gateway":
                asked = []
                self.answers[line["fields"][0]].append((line["fields"], asked))
            else:
                asked.append(line["fields"])
        self.buffer, self.greeted = b"", False

    async def listen(self) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(lambda: self, "127.0.0.1", 0)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, fields: list[str]) -> None:
        content = "".join(f"{field}\0" for field in fields).encode()
        self.transport.write(struct.pack(">I", len(content)) + content)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        start = 0 if self.greeted else 4
        while len(self.buffer) >= start + 4:
            end = start + 4 + struct.unpack(">I", self.buffer[start : start + 4])[0]
            if len(self.buffer) < end:
                return
            content, self.buffer = self.buffer[start + 4 : end].decode(), self.buffer[end:]
            if start:
                self.greeted, start = True, 0
                self.send([str(self.version), "20260105 14:30:00 UTC"])
            else:
                self.answer(content.split("\0")[:-1])

    def answer(self, asked: list[str]) -> None:
        recorded = self.answers[asked[0]]
        if not recorded:
            return
        question, answers = recorded.popleft() if len(recorded) > 1 else recorded[0]
        place = _QUESTION.get(asked[0])
        for fields in answers:
            said = list(fields)
            number = _ANSWER.get(said[0])
            if place is not None and number is not None and said[number] == question[place]:
                said[number] = asked[place]
            self.send(said)
