"""The child of a session's process: runs the strategy's code with no connection, no password and a limit of
memory. `python -m runners.live.strategy_child DESCRIPTOR PARENT`
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from runners.live.wire import Wire, WireClosed

MEMORY_SLACK = 1.5
"""The parent watches pages in use; this limit, which counts what was asked for, stands behind."""


class PipeSide:
    """The desk as the child has it: questions through the pipe."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def fetch(self, after: int) -> Sequence[tuple[int, str, Mapping[str, Any]]]:
        self._wire.tell(do="fetch", after=after)
        found: list[tuple[int, str, Mapping[str, Any]]] = self._wire.receive()["items"]
        return found

    def submit(self, orders: list[Any]) -> list[str | None]:
        self._wire.tell(do="submit", orders=[asdict(terms) for terms in orders])
        reasons: list[str | None] = self._wire.receive()["reasons"]
        return reasons

    def cancel(self, key: str) -> None:
        self._wire.tell(do="cancel", key=key)
        self._wire.receive()

    def record_rows(self, logged: Mapping[str, Any], keys: Mapping[int, str]) -> None:
        self._wire.tell(do="rows", rows=logged, keys=keys)


def main() -> None:
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    # Whatever the strategy prints belongs to the log, and a fork of it must not speak for it.
    os.register_at_fork(after_in_child=lambda: os.close(descriptor))
    wire = Wire(socket.socket(fileno=descriptor))
    try:
        _run(wire, parent)
    except WireClosed:
        # The parent is gone or wants no more.
        os._exit(1)
    # Threads and handlers that the strategy left behind are nothing to wait for.
    sys.stdout.flush()
    os._exit(0)


def _run(wire: Wire, parent: int) -> None:
    from runners.engines.error_text import error_text
    from runners.live.session_broker import Divergence
    from runners.live.session_run import run_session
    from runners.live.terms import SessionTerms
    from runners.worker.process_limits import die_with_parent, limit_memory, no_core_dumps

    die_with_parent(parent)
    no_core_dumps()
    terms = SessionTerms.of(wire.receive())
    limit_memory(terms.memory_mb * MEMORY_SLACK)
    try:
        run_session(terms, PipeSide(wire))
    except WireClosed:
        raise
    except Divergence as error:
        wire.tell(do="fault", rule="strategy diverged", reason=str(error))
    # Also SystemExit and KeyboardInterrupt: nothing that a strategy raises is more than its own end.
    except BaseException as error:
        wire.tell(do="fault", rule="strategy failed", reason=error_text(error))
    else:
        wire.tell(do="end")


if __name__ == "__main__":
    main()
