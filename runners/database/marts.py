"""The schema `marts`, where dbt's views answer to their bare names."""

from __future__ import annotations

from backdesk.data import folder
from runners.database import connection, waiting
from runners.settings import Settings

MARTS_FILE = folder("db") / "marts.sql"


def publish(settings: Settings) -> None:
    """Runs `db/marts.sql`; a login that may not act as the owner leaves it to the next `backdesk up`."""
    try:
        with connection.connect("owner", settings=settings) as owner:
            # A statement of one's own is a transaction of its own.
            waiting.for_locks(owner, lambda: owner.execute(MARTS_FILE.read_bytes()))
    except connection.DatabaseUnavailable as error:
        if "permission denied to set role" not in (error.detail or ""):
            raise
