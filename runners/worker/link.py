"""The connection that may be lost: made again with backoff, while what executes goes on."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import psycopg

from runners.errors import DeskError
from runners.worker.queue import Queue

BACKOFF_SECONDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
CONNECTION_ERRORS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    # These end the session, though they are not filed under it.
    psycopg.errors.TransactionTimeout,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


class Link:
    """Has a Queue, or none while the connection is lost."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self.queue: Queue | None = None
        self._attempts = 0
        self._retry_at = 0.0

    def open(self) -> Queue:
        """The first connection is not tried twice: a wrong address is an error to show, not to wait on."""
        self.queue = Queue(self._connect())
        return self.queue

    def reopened(self) -> bool:
        """Try again where it is time to; True once there is a connection."""
        if time.monotonic() < self._retry_at:
            return False
        try:
            self.open()
        except (DeskError, *CONNECTION_ERRORS):
            seconds = BACKOFF_SECONDS[min(self._attempts, len(BACKOFF_SECONDS) - 1)]
            # Jittered, so that the runners of a server that restarts do not all knock at once.
            self._retry_at = time.monotonic() + seconds * random.uniform(0.5, 1.5)
            self._attempts += 1
            return False
        self._attempts = 0
        return True

    def close(self) -> None:
        if self.queue is not None:
            self.queue.close()
            self.queue = None
