"""What a point's strategy logs, on its way from a child: sent every so many rows, and before its outcome."""

from __future__ import annotations

from collections.abc import Sequence

from runners.engines.base import PointFailure, PointResult
from runners.worker.protocol import SessionRows, pack, write_all
from strategies.run_context import RowBuffer
from strategies.session_rows import Row


class SessionLog:
    """One a child. A strategy that raises loses no row; a child that is killed at most a buffer of them."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._ordinal = 0
        self.buffer = RowBuffer(self._send)

    def begin(self, ordinal: int) -> None:
        self._ordinal = ordinal
        self.buffer.begin()

    def end(self, outcome: PointResult | PointFailure) -> None:
        """Before the outcome is sent: with it the point is settled, and its rows would come too late."""
        try:
            if self.buffer.sequence and isinstance(outcome, PointFailure):
                self.buffer.add("session", ("failed", None, None, None, outcome.error))
            self.buffer.flush()
        except MemoryError:
            # The outcome, which says that memory ran out, is worth more than its log.
            self.buffer.begin()

    def _send(self, rows: Sequence[Row]) -> None:
        write_all(self._pipe, pack(SessionRows(self._ordinal, tuple(rows))))
