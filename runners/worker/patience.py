"""A connection that does not wait for ever: a peer that is gone without a word must not hold a worker up."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg.abc import PQGen

DEFAULT_SECONDS = 30.0


class Silence(psycopg.OperationalError):
    """No answer came in time; the connection is closed, since what it would say next belongs to nobody."""


class PatientConnection(psycopg.Connection[Any]):
    """Gives a statement up, and itself, after `patience` seconds without an end of it.

    The kernel's own timeouts do not do: what swallows bytes may well acknowledge them.
    """

    patience = DEFAULT_SECONDS

    def wait(self, gen: PQGen[Any], interval: float = 0.1, *rest: Any, **options: Any) -> Any:
        return super().wait(self._limited(gen), interval, *rest, **options)

    def _limited(self, gen: PQGen[Any]) -> PQGen[Any]:
        patience = self.patience
        deadline = time.monotonic() + patience
        try:
            state = next(gen)
            while True:
                ready = yield state
                if not ready and time.monotonic() > deadline:
                    self.pgconn.finish()
                    raise Silence(f"no answer for {patience:g} s")
                state = gen.send(ready)
        except StopIteration as ended:
            return ended.value
