"""What people import: `backdesk.connect()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runners import __version__ as __version__

if TYPE_CHECKING:
    from backdesk.notebook import Desk


def connect(role: str = "viewer", **options: Any) -> Desk:
    """The desk, for notebooks and scripts: a psycopg connection in autocommit with a few methods more.

    `queue`, `wait`, `leaderboard`, `results`, `curve`, `trades` and `frame` answer with pandas frames. `role`
    says what it may do: viewer (reads, by default), director (queues, pauses, decides), or importer, runner,
    dbt, owner, admin. `options` go to psycopg.connect(), such as `row_factory`. The desk is that of the
    command `backdesk`: BACKDESK_HOME or DATABASE_URL. Raises DatabaseUnavailable where it is down.
    """
    # Most of what imports this package wants its files alone, and must not wait for psycopg.
    from backdesk.notebook import Desk
    from runners.database import connection

    return Desk(connection.connect(role, **options), role)
