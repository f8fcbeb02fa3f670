"""`backdesk up` and `backdesk down`: the desk's server and its schema."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

import typer
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runners.cli import analytics
from runners.database import connection, embedded, migrator, programs, roles, waiting
from runners.jobs.own_code import own_code, publish
from runners.prices import calendars
from runners.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("up", short_help="Start or join the desk and bring its schema up to date.")(up)
    app.command("down", short_help="Stop the embedded server; everything is kept.")(down)


def up(
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for the server of DATABASE_URL.")
    ] = 0,
) -> None:
    """Start the embedded server, or join the one that runs, and bring its schema up to date.

    With DATABASE_URL set, that server is used instead. May be repeated at any time.

    Examples:

      backdesk up

      DATABASE_URL=postgresql://me@db.example.org/trading backdesk up
    """
    settings = Settings.from_environment()
    _wait_for_server(settings, wait)
    bring_up(settings)
    print()
    print(f"connection  {connection_string(settings)}")
    print(f"psql        {psql_line(settings)}")


def down() -> None:
    """Stop the embedded server; everything is kept for the next `backdesk up`."""
    settings = Settings.from_environment()
    if settings.database_url:
        print("DATABASE_URL is set: that server is not the desk's to stop")
        return
    with _step() as say:
        stopped = embedded.stop(settings)
        say("PostgreSQL stopped" if stopped else "PostgreSQL was not running")


def bring_up(settings: Settings) -> None:
    """Every step of `backdesk up`, each saying in one line what it did and how long it took."""
    with _step() as say:
        say(_server(settings))
    with _step() as say:
        created = roles.ensure_database(settings)
        roles.ensure_roles(settings)
        name = connection.database_name(settings)
        say(f"database {name} {'created' if created else 'is there'}, with its roles")
    with _step() as say, connection.connect("admin", settings=settings) as admin:
        migrated = migrator.migrate(admin)
        say(str(migrated))
    with _step() as say:
        say(f"{publish_strategies(settings)} strategies published")
    with _step() as say:
        say(fill_calendars(settings))
    with _step() as say:
        say("dbt views built" if analytics.ensure_views(settings) else "dbt views are there")


def publish_strategies(settings: Settings, *, announce: bool = False) -> int:
    """Tells SQL what the strategies of this code take; how many there are.

    `announce` makes them current; else those are that have changed here, or are new.
    """
    strategies, broken = own_code()
    for one in broken:
        print(f"left out: {one.fault}", file=sys.stderr)
    with connection.connect("runner", settings=settings) as runner:
        waiting.for_locks(runner, lambda: publish(runner, strategies, broken, announce=announce))
    return len(strategies)


def fill_calendars(settings: Settings) -> str:
    """The sessions of the calendars that prices need, in one line."""
    with connection.connect("runner", settings=settings) as runner:
        filled = calendars.fill_calendars(runner)
    return f"sessions of {', '.join(filled)} filled" if filled else "calendars are filled"


def _wait_for_server(settings: Settings, seconds: float) -> None:
    """A server that is started beside the desk may not answer yet; its database may not be there yet."""
    if settings.database_url is None:
        return
    target = make_conninfo(
        connection.conninfo("admin", settings=settings), dbname="postgres", connect_timeout=5
    )
    give_up = time.monotonic() + seconds
    while pq.PGconn.ping(target.encode()) != pq.Ping.OK and time.monotonic() < give_up:
        time.sleep(0.5)


def connection_string(settings: Settings) -> str:
    """The director's address, without a password in it."""
    parameters = conninfo_to_dict(connection.conninfo("director", settings=settings))
    if settings.database_url:
        return make_conninfo("", **{name: value for name, value in parameters.items() if name != "password"})
    query = urlencode({name: parameters[name] for name in ("host", "passfile")}, quote_via=quote)
    return f"postgresql://{parameters['user']}@/{parameters['dbname']}?{query}"


def psql_line(settings: Settings) -> str:
    """A command that opens a director's psql from anywhere on this machine."""
    return f"psql {shlex.quote(connection_string(settings))}"


def _server(settings: Settings) -> str:
    if settings.database_url:
        return f"using the server of DATABASE_URL ({_address(settings)})"
    server = embedded.start(settings)
    version = programs.version(programs.binaries())
    state = "started" if server.started else "already running"
    return f"PostgreSQL {version} {state} in {_short(settings.home)}"


def _address(settings: Settings) -> str:
    parameters = conninfo_to_dict(connection.conninfo("admin", settings=settings))
    return f"host {parameters.get('host', 'local')}, login {parameters.get('user', 'from the environment')}"


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@contextmanager
def _step() -> Iterator[Callable[[str], None]]:
    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{what} ({time.perf_counter() - began:.2f} s)", flush=True)

    yield say
