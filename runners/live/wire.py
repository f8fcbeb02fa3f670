"""Between a session's process and the child that runs its strategy: a line of JSON a message.

Text and not pickles: the child may run from an older copy of this code than its parent does.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

LONGEST = 256 * 1024 * 1024


class WireClosed(Exception):
    """The other end is gone."""


class Wire:
    """One end of a pair of sockets."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._buffer = bytearray()

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: str) -> None:
        """A message that is JSON already, without a line break."""
        try:
            self._socket.sendall(message.encode() + b"\n")
        except OSError as error:
            raise WireClosed(str(error)) from error

    def tell(self, **message: object) -> None:
        self.send(json.dumps(message))

    def receive(self) -> Any:
        """The next message, waiting for it."""
        while (end := self._buffer.find(b"\n")) < 0:
            self._read()
        return self._taken(end)

    def received(self) -> Iterator[Any]:
        """What is there, once the socket can be read."""
        self._read()
        while (end := self._buffer.find(b"\n")) >= 0:
            yield self._taken(end)

    def close(self) -> None:
        self._socket.close()

    def _taken(self, end: int) -> Any:
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return json.loads(line)

    def _read(self) -> None:
        if len(self._buffer) > LONGEST:
            raise WireClosed(f"a message of more than {LONGEST} bytes")
        try:
            data = self._socket.recv(1 << 20)
        except OSError as error:
            raise WireClosed(str(error)) from error
        if not data:
            raise WireClosed("the other end is closed")
        self._buffer += data
