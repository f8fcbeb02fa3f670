"""Brings a database to the schema of this code: numbered migrations, then topic files.

`db/README.md` says how to write either.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from backdesk.data import folder
from runners.errors import DeskError

MIGRATIONS = folder("db") / "migrations"
TOPICS = folder("db") / "topics"

_LOCK = 5_061_994_219_877_002_371  # any number that no other program is likely to lock
_NAME = re.compile(r"V(\d{4})__[a-z0-9_]+\.sql")

HISTORY = folder("db") / "history.sql"

# Views of dbt's that stand on the desk's tables forbid to alter or drop what they read.
_BLOCKED = (psycopg.errors.DependentObjectsStillExist, psycopg.errors.FeatureNotSupported)


class MigrationError(DeskError):
    """The database could not be brought to this code's schema; what was applied before is kept."""


@dataclass(frozen=True)
class Report:
    """What `migrate` did: file names, the version now, and whether dbt has to build its views again."""

    version: int
    applied: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    views_dropped: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.applied or self.topics)

    def __str__(self) -> str:
        if not self.changed:
            return f"schema is current (version {self.version}), nothing to do"
        done = [f"{len(self.applied)} migrations applied"] if self.applied else []
        done += [f"topics applied, {len(self.topics)} new or changed"] if self.topics else []
        return f"schema is now version {self.version}: {', '.join(done)}"


@dataclass(frozen=True)
class _File:
    path: Path
    text: str
    sha256: str

    @classmethod
    def read(cls, path: Path) -> _File:
        # Line ends do not count: a checkout on another system must not look like an edit.
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        return cls(path, text, hashlib.sha256(text.encode()).hexdigest())


def migrate(
    connection: psycopg.Connection[Any], migrations: Path = MIGRATIONS, topics: Path = TOPICS
) -> Report:
    """Migrates over an "admin" connection in autocommit; callers at the same time wait for each other."""
    numbered = _numbered(migrations)
    topical = [_File.read(path) for path in sorted(topics.glob("*.sql"))]
    connection.execute("select pg_advisory_lock(%s)", [_LOCK])
    try:
        connection.execute("set role desk_owner")
        connection.execute("set search_path = desk, analytics")
        with connection.transaction():
            if connection.execute("select to_regclass('desk.schema_migrations')").fetchone() == (None,):
                _execute(connection, _File.read(HISTORY))
        return _bring_up(connection, numbered, topical)
    finally:
        if not connection.closed:
            connection.execute("reset role")
            connection.execute("reset search_path")
            connection.execute("select pg_advisory_unlock(%s)", [_LOCK])


def _bring_up(
    connection: psycopg.Connection[Any], numbered: Sequence[_File], topical: Sequence[_File]
) -> Report:
    current = _refuse_drift(connection, numbered)
    dropped = 0
    for version, file in enumerate(numbered[current:], start=current + 1):
        with connection.transaction():
            dropped += _drop_analytics_views(connection)
            _execute(connection, file)
            connection.execute(
                "insert into desk.schema_migrations (version, name, sha256, duration)"
                " values (%s, %s, %s, clock_timestamp() - now())",
                [version, file.path.name, file.sha256],
            )
    changed, dropped_for_topics = _apply_topics(connection, topical)
    return Report(
        version=len(numbered),
        applied=tuple(file.path.name for file in numbered[current:]),
        topics=changed,
        views_dropped=dropped + dropped_for_topics,
    )


def topic_hashes(topics: Path = TOPICS) -> dict[str, str]:
    """Name and hash of every topic file of this code, as `desk.schema_topics` remembers those in force."""
    files = [_File.read(path) for path in sorted(topics.glob("*.sql"))]
    return {file.path.name: file.sha256 for file in files}


def _numbered(folder: Path) -> list[_File]:
    """The migrations in order: V0001, V0002, ... each once, none missing."""
    files = []
    for expected, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(
                f"{path} is not named like a migration", hint="name it like V0007__what_it_does.sql"
            )
        if (number := int(match[1])) != expected:
            what = "is there twice" if number < expected else f"comes where V{expected:04} is missing"
            raise MigrationError(f"{path}: number {number} {what}", hint="migrations count 1, 2, 3, ...")
        files.append(_File.read(path))
    return files


def _refuse_drift(connection: psycopg.Connection[Any], numbered: Sequence[_File]) -> int:
    """The database's version, if what it has had is what the files say."""
    history = connection.execute(
        "select version, name, sha256 from desk.schema_migrations order by version"
    ).fetchall()
    if len(history) > len(numbered):
        raise MigrationError(
            f"the database is newer than this code: it is at version {history[-1][0]}"
            f" ({history[-1][1]}), the code knows {len(numbered)}",
            hint="use the newer code",
        )
    for (version, name, sha256), file in zip(history, numbered, strict=False):
        if name != file.path.name:
            raise MigrationError(
                f"migration {version} was applied as {name}, and is now called {file.path.name}",
                hint="give the file its old name again",
            )
        if sha256 != file.sha256:
            raise MigrationError(
                f"{file.path} was edited after it had been applied",
                detail=f"applied {sha256[:12]}, now {file.sha256[:12]}",
                hint="restore the file and put the change into a new migration",
            )
    return len(history)


def _apply_topics(
    connection: psycopg.Connection[Any], topical: Sequence[_File]
) -> tuple[tuple[str, ...], int]:
    """Applies all topic files when any was changed, added or removed; names of those, views dropped."""
    known = dict(connection.execute("select name, sha256 from desk.schema_topics").fetchall())
    hashes = {file.path.name: file.sha256 for file in topical}
    changed = tuple(
        sorted(name for name in known.keys() | hashes.keys() if known.get(name) != hashes.get(name))
    )
    if not changed:
        return (), 0
    dropped = 0
    with connection.transaction():
        try:
            with connection.transaction():
                _execute_all(connection, topical)
        except MigrationError as error:
            if not isinstance(error.__cause__, _BLOCKED):
                raise
            dropped = _drop_analytics_views(connection)
            if not dropped:
                raise
            _execute_all(connection, topical)
        connection.execute("delete from desk.schema_topics")
        connection.cursor().executemany(
            "insert into desk.schema_topics (name, sha256) values (%s, %s)", list(hashes.items())
        )
    return changed, dropped


def _drop_analytics_views(connection: psycopg.Connection[Any]) -> int:
    views = connection.execute(
        "select relname from pg_class"
        " where relnamespace = 'analytics'::regnamespace and relkind = 'v' order by relname"
    ).fetchall()
    if views:
        names = sql.SQL(", ").join(sql.Identifier("analytics", name) for (name,) in views)
        connection.execute("set local role desk_dbt")
        connection.execute(sql.SQL("drop view {}").format(names))
        connection.execute("set local role desk_owner")
    return len(views)


def _execute_all(connection: psycopg.Connection[Any], files: Sequence[_File]) -> None:
    for file in files:
        _execute(connection, file)


def _execute(connection: psycopg.Connection[Any], file: _File) -> None:
    """Sends the whole file at once; without parameters there is nothing to split and nothing to quote."""
    try:
        connection.execute(file.text.encode())
    except psycopg.Error as error:
        raise _explained(file, error) from error
    if connection.info.transaction_status != TransactionStatus.INTRANS:
        raise MigrationError(
            f"{file.path} ends its transaction itself", hint="remove its begin, commit or rollback"
        )


def _explained(file: _File, error: psycopg.Error) -> MigrationError:
    position = error.diag.statement_position
    where = str(file.path)
    if position:
        before = file.text[: int(position) - 1]
        where += f":{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    reason = error.diag.message_primary or str(error).strip()
    detail = "\n".join(part for part in (error.diag.message_detail, error.diag.context) if part)
    return MigrationError(f"{where}: {reason}", detail=detail or None, hint=error.diag.message_hint)
