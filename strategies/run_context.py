"""What a run hands to its strategy besides parameters: risk limits from the database, and where rows go.

One process runs one point at a time, so this is one value. Whoever runs a strategy by hand need not set it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from strategies.session_days import SessionDay
from strategies.session_rows import Row

ROWS_AT_ONCE = 500


class RowBuffer:
    """Collects rows and hands them over `at_once` at a time: what a kill can lose."""

    def __init__(self, send: Callable[[Sequence[Row]], None], at_once: int = ROWS_AT_ONCE) -> None:
        self._send = send
        self._at_once = at_once
        self._rows: list[Row] = []
        self.sequence = 0
        """Rows taken since the last session began; each carries its number, so that none is stored twice."""

    def add(self, table: str, values: tuple[object, ...]) -> None:
        self.sequence += 1
        self._rows.append((table, (self.sequence, *values)))
        if len(self._rows) >= self._at_once:
            self.flush()

    def begin(self) -> None:
        """A new session."""
        self._rows, self.sequence = [], 0

    def flush(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            self._send(rows)


@dataclass(frozen=True)
class RunContext:
    """`risk_limits` replace the defaults of `RiskManager`; `rows` takes what `DBLogger` writes;
    `session_days` cut the bars of each feed into sessions, where the run says how."""

    risk_limits: Mapping[str, object] | None = None
    rows: RowBuffer | None = None
    session_days: tuple[SessionDay, ...] = ()
    sessions_a_year: float = 252.0


_current = RunContext()


def current() -> RunContext:
    return _current


def set_current(context: RunContext) -> None:
    """For the rest of this process."""
    global _current
    _current = context


@contextmanager
def in_run(context: RunContext) -> Iterator[None]:
    """The context of every strategy that is made inside."""
    global _current
    before, _current = _current, context
    try:
        yield
    finally:
        _current = before
