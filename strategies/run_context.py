"""What a run hands to its strategy besides parameters: risk limits from the database, and where rows go.

One process runs one point at a time, so this is one value. Whoever runs a strategy by hand need not set it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

Row = tuple[str, tuple[object, ...]]
"""A table's name and values in the order of `db_logger.COLUMNS`."""


@dataclass(frozen=True)
class RunContext:
    """`risk_limits` replace the defaults of `RiskManager`; `rows` takes what `DBLogger` has collected."""

    risk_limits: Mapping[str, object] | None = None
    rows: Callable[[Sequence[Row]], None] | None = None


_current = RunContext()


def current() -> RunContext:
    return _current


@contextmanager
def in_run(context: RunContext) -> Iterator[None]:
    """The context of every strategy that is made inside."""
    global _current
    before, _current = _current, context
    try:
        yield
    finally:
        _current = before
