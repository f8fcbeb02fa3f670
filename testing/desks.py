"""Desks for tests: a database each, cloned from one that is migrated once a session."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runners.cli import analytics
from runners.database import connection, embedded, marts, migrator, programs, roles
from runners.settings import Settings


@dataclass(frozen=True)
class Desk:
    """One database of the tests' server, with the desk's schema in it."""

    settings: Settings

    @property
    def name(self) -> str:
        return connection.database_name(self.settings)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that bring a child process, such as `backdesk`, to this desk."""
        found = {"BACKDESK_HOME": str(self.settings.home), "BACKDESK_DATABASE": self.settings.database}
        if self.settings.database_url:
            found["DATABASE_URL"] = self.settings.database_url
        return found

    def connect(self, role: str, **options: Any) -> psycopg.Connection[Any]:
        return connection.connect(role, settings=self.settings, **options)

    def conninfo(self, role: str) -> str:
        return connection.conninfo(role, settings=self.settings)

    def publish_strategies(self) -> int:
        """What `backdesk up` does after migrating; a clone begins without strategies."""
        from runners.cli.up import publish_strategies

        return publish_strategies(self.settings)


@contextmanager
def server(database_url: str | None, folder: Path | None = None) -> Iterator[Settings]:
    """The tests' server: that of DATABASE_URL, or an embedded one of their own, its home in this folder."""
    home = Path(tempfile.mkdtemp(prefix="desk-", dir=folder))
    settings = Settings(home=home, database_url=database_url)
    try:
        if database_url is None:
            embedded.start(settings)
        yield settings
    finally:
        if database_url is None:
            embedded.stop(settings)
        shutil.rmtree(home, ignore_errors=True)


def make_hasty(settings: Settings) -> None:
    """The embedded server waits for no disk any more: of a test's data nobody asks after a power cut."""
    with connection.connect("admin", settings=replace(settings, database="postgres")) as admin:
        admin.execute("alter system set fsync = off")
        admin.execute("alter system set full_page_writes = off")
        admin.execute("select pg_reload_conf()")


@contextmanager
def empty(settings: Settings) -> Iterator[Desk]:
    """A new database with nothing in it, dropped at the end."""
    desk = Desk(_named(settings, f"desk_test_{secrets.token_hex(4)}"))
    roles.ensure_database(desk.settings)
    try:
        yield desk
    finally:
        _drop(desk)


@contextmanager
def migrated(settings: Settings) -> Iterator[Desk]:
    """A new database with the desk's schema, dropped at the end."""
    with empty(settings) as desk:
        roles.ensure_roles(desk.settings)
        with desk.connect("admin") as admin:
            migrator.migrate(admin)
            # Every new strategy of every test would be run some dozens of times, every search weighed.
            admin.execute(
                "update desk.settings set value = 'false'"
                " where name in ('check_new_code', 'weigh_parameters')"
            )
        yield desk


@contextmanager
def clone(template: Desk) -> Iterator[Desk]:
    """A copy of the template's database, dropped at the end."""
    desk = Desk(_named(template.settings, f"{template.name}_{secrets.token_hex(3)}"))
    # Quicker where a checkpoint waits for no disk.
    strategy = "wal_log" if desk.settings.database_url else "file_copy"
    statement = sql.SQL("create database {} template {} strategy {}")
    with _maintenance(desk) as admin:
        admin.execute(statement.format(*map(sql.Identifier, (desk.name, template.name, strategy))))
    try:
        # Neither the database's settings nor its grants are copied.
        roles.ensure_roles(desk.settings)
        yield desk
    finally:
        _drop(desk)


def give_views(desk: Desk, file: Path) -> None:
    """What dbt builds, as `backdesk up` does. The first to ask builds it and writes the file; others read."""
    if desk.settings.database_url:
        # Its login may be unable to hand views over to their owner.
        analytics.ensure_views(desk.settings)
        return
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if file.exists():
            _client("pg_restore", "--clean", "--if-exists", "-d", desk.conninfo("admin"), file)
            marts.publish(desk.settings)
        else:
            analytics.ensure_views(desk.settings)
            _client("pg_dump", "-Fc", "--schema=analytics", "-f", file, desk.conninfo("admin"))


def _client(name: str, *words: str | Path) -> None:
    subprocess.run([programs.binaries() / name, *words], check=True)


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Sets variables of this process for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _named(settings: Settings, database: str) -> Settings:
    url = settings.database_url and make_conninfo(settings.database_url, dbname=database)
    return replace(settings, database=database, database_url=url)


def _maintenance(desk: Desk) -> psycopg.Connection[Any]:
    target = make_conninfo(desk.conninfo("admin"), dbname="postgres")
    return psycopg.connect(target, autocommit=True)


def _drop(desk: Desk) -> None:
    with _maintenance(desk) as admin:
        # Before 17, force may not end sessions of autovacuum's; they end by themselves.
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(desk.name)))
