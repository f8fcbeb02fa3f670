"""Asking the desk again where somebody held a lock, by the same key: until then nothing was done."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable

TRIES = 15
"""Each waits two seconds in the database."""


def rows(connection: psycopg.Connection[Any], statement: str, *values: object) -> list[Any]:
    """All rows of a statement that may be repeated; raises what is wrong in earnest, or lasts."""
    given: Any = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
    for _ in range(TRIES - 1):
        try:
            return connection.execute(statement.encode(), given).fetchall()
        except (LockNotAvailable, DeadlockDetected):
            continue
    return connection.execute(statement.encode(), given).fetchall()


def value(connection: psycopg.Connection[Any], statement: str, *values: object) -> Any:
    """The only value of its only row."""
    ((found,),) = rows(connection, statement, *values)
    return found
