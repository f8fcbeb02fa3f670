"""Notifications of a connection, none of which is missed while a statement of it runs."""

from __future__ import annotations

import select
from typing import Any

import psycopg


class Wakes:
    """Whether something was said to this connection on one channel about one payload."""

    def __init__(self, connection: psycopg.Connection[Any], channel: str, payload: object) -> None:
        self._pgconn = connection.pgconn
        self._payload = str(payload)
        self._woken = False
        # Those that come while a statement runs.
        connection.add_notify_handler(lambda note: self._take(note.payload))
        connection.execute(f"listen {channel}".encode())

    def fileno(self) -> int:
        return self._pgconn.socket

    def woken(self) -> bool:
        """True once for all that has come until now; does not wait."""
        self._pgconn.consume_input()
        while (note := self._pgconn.notifies()) is not None:
            self._take(note.extra.decode())
        woken, self._woken = self._woken, False
        return woken

    def wait(self, seconds: float) -> bool:
        """Until something comes, at most so long; whether it did."""
        if self.woken():
            return True
        select.select([self], [], [], seconds)
        return self.woken()

    def _take(self, payload: str) -> None:
        self._woken = self._woken or payload == self._payload
