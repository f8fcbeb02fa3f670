"""A link's process from its start to its end: one an account, whatever becomes of database or gateway."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from runners.database.connection import DatabaseUnavailable, connect
from runners.errors import DeskError
from runners.live.ib.connection import Terms
from runners.live.ib.library import library
from runners.live.ib.link import Link
from runners.live.ib.recorder import SUPERSEDED
from runners.live.ib.rows import Rows
from runners.settings import Settings

LONGEST_PAUSE = 30.0


class LinkRunning(DeskError):
    """Another process is the account's link."""


def serve(account: str) -> None:
    """Runs until it is stopped (SIGINT, SIGTERM). Raises DeskError where a person has to change something."""
    use_utc()
    settings = Settings.from_environment()
    with only_link(settings, account), suppress(asyncio.CancelledError):
        asyncio.run(_serve(settings, account))


def use_utc() -> None:
    """Times without a zone are read by libraries in the zone of the process."""
    os.environ["TZ"] = "UTC"
    time.tzset()


@contextmanager
def only_link(settings: Settings, account: str) -> Iterator[None]:
    """Of this host; the token keeps others out. Raises LinkRunning."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / f"link-{account.replace('/', '_')}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LinkRunning(
                f"a link of {account} is running on this host already",
                hint="stop it first: two would each take the other's orders for lost",
            ) from None
        yield


async def _serve(settings: Settings, account: str) -> None:
    task = asyncio.current_task()
    assert task
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    used, failures = library(), 0
    while True:
        rows: Rows | None = None
        try:
            rows = Rows(connect("link", settings=settings, application_name=f"link {account}"), account)
            terms = Terms.of(await rows.begin(socket.gethostname(), os.getpid()))
            failures = 0
            print(f"link of {account} by {used.name} to {terms.host}:{terms.port}", flush=True)
            await Link(rows, terms, used).run()
        except (psycopg.OperationalError, DatabaseUnavailable) as error:
            if getattr(error, "sqlstate", None) == SUPERSEDED:
                raise
            # Nothing is sent without it; what happens at the broker meanwhile is found by the next look.
            failures += 1
            print(f"no database: {str(error).strip()}", flush=True)
            await asyncio.sleep(min(LONGEST_PAUSE, 2.0**failures) * random.uniform(0.5, 1))
        except asyncio.CancelledError:
            if rows is not None:
                # The gate knows at once.
                await rows.beat("connecting")
            raise
        finally:
            if rows is not None:
                rows.close()
