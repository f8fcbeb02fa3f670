"""Brings a database to the schema of this code: the baseline's tables, migrations, then topic files.

`db/README.md` says how to write them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from runners.database import waiting
from runners.database.connection import SAFE_PATH
from runners.database.schema_files import (
    FOLDER,
    Baseline,
    MigrationError,
    Schema,
    SchemaFile,
    digest,
    read_schema,
)

_LOCK = 5_061_994_219_877_002_371  # any number that no other program is likely to lock

# Views of dbt's that stand on the desk's tables forbid to alter or drop what they read.
_BLOCKED = (psycopg.errors.DependentObjectsStillExist, psycopg.errors.FeatureNotSupported)


@dataclass(frozen=True)
class Migrated:
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


def migrate(connection: psycopg.Connection[Any], folder: Path = FOLDER) -> Migrated:
    """Migrates over an "admin" connection in autocommit; callers at the same time wait for each other."""
    schema = read_schema(folder)
    # As the owner from the first: where a superuser installed the desk, nobody else may take such a lock.
    connection.execute("set role desk_owner")
    try:
        waiting.take_turn(connection, _LOCK)
    except BaseException:
        connection.execute("reset role")
        raise
    try:
        connection.execute(f"set search_path = {SAFE_PATH}")
        with connection.transaction():
            if connection.execute("select to_regclass('desk.schema_migrations')").fetchone() == (None,):
                _execute(connection, schema.history)
        # Again from where it was held up: what has been applied is in the history.
        return waiting.for_locks(connection, lambda: _bring_up(connection, schema))
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", [_LOCK])
            connection.execute("reset role")
            connection.execute("reset search_path")


def _bring_up(connection: psycopg.Connection[Any], schema: Schema) -> Migrated:
    history = _history(connection)
    first: tuple[str, ...] = ()
    if schema.baseline is not None:
        if not history:
            first = _lay_baseline(connection, schema.baseline)
        elif history[-1].version == schema.baseline.version and history[-1].name != schema.baseline.name:
            _take_over(connection, schema, history)
        history = _history(connection)
    done = _refuse_drift(schema, history)
    dropped = 0
    for version, file in enumerate(schema.migrations[done:], start=schema.first_version + done + 1):
        with connection.transaction():
            dropped += _drop_analytics_views(connection)
            _execute(connection, file)
            _record(connection, _Applied(version, file.path.name, file.sha256))
            # All topics again, which may read what it changed; also where this process ends before that.
            connection.execute("delete from desk.schema_topics")
    changed, dropped_for_topics = _apply_topics(connection, schema)
    return Migrated(
        version=schema.version,
        applied=first + tuple(file.path.name for file in schema.migrations[done:]),
        topics=changed,
        views_dropped=dropped + dropped_for_topics,
    )


@dataclass(frozen=True)
class _Applied:
    version: int
    name: str
    sha256: str


def _history(connection: psycopg.Connection[Any]) -> list[_Applied]:
    rows = connection.execute("select version, name, sha256 from desk.schema_migrations order by version")
    return [_Applied(*row) for row in rows]


def _record(connection: psycopg.Connection[Any], applied: _Applied) -> None:
    connection.execute(
        "insert into desk.schema_migrations (version, name, sha256, duration)"
        " values (%s, %s, %s, clock_timestamp() - now())",
        [applied.version, applied.name, applied.sha256],
    )


def _lay_baseline(connection: psycopg.Connection[Any], baseline: Baseline) -> tuple[str, ...]:
    with connection.transaction():
        _execute_all(connection, baseline.files)
        _record(connection, _Applied(baseline.version, baseline.name, baseline.sha256))
    return (baseline.name,)


def _take_over(connection: psycopg.Connection[Any], schema: Schema, history: Sequence[_Applied]) -> None:
    """Records the baseline in place of the migrations that led to the same tables; no table is touched."""
    baseline = schema.baseline
    assert baseline is not None
    if digest(applied.sha256 for applied in history) != baseline.folded_sha256:
        raise MigrationError(
            f"the database is at version {history[-1].version} by other migrations than this code's"
            f" (the last is called {history[-1].name})",
            hint=f"bring it to version {baseline.version} with the code of commit {baseline.commit},"
            " or restore a backup of a desk that is",
        )
    with connection.transaction():
        connection.execute("delete from desk.schema_migrations")
        _execute(connection, schema.history)
        _record(connection, _Applied(baseline.version, baseline.name, baseline.sha256))


def refuse_older(version: int, schema: Schema, what: str) -> None:
    """Raises where `what`, a database or a backup, is older than the baseline."""
    baseline = schema.baseline
    if baseline is not None and 0 < version < baseline.version:
        raise MigrationError(
            f"{what} is at version {version}, and this code brings up to date what is at version"
            f" {baseline.version} or later",
            hint=f"run `backdesk up` once with the code of commit {baseline.commit}, then with this one",
        )


def _refuse_drift(schema: Schema, history: Sequence[_Applied]) -> int:
    """How many migrations the database has had, if what it has had is what the files say."""
    if not history:
        return 0
    refuse_older(history[-1].version, schema, "the database")
    if history[-1].version > schema.version:
        raise MigrationError(
            f"the database is newer than this code: it is at version {history[-1].version}"
            f" ({history[-1].name}), the code knows {schema.version}",
            hint="use the newer code",
        )
    for applied, (name, sha256, path) in zip(history, _expected(schema), strict=False):
        if applied.name != name:
            raise MigrationError(
                f"migration {applied.version} was applied as {applied.name}, and is now called {name}",
                hint="give the file its old name again",
            )
        if applied.sha256 != sha256:
            raise MigrationError(
                f"{path} was edited after it had been applied",
                detail=f"applied {applied.sha256[:12]}, now {sha256[:12]}",
                hint="restore the file and put the change into a new migration",
            )
    return history[-1].version - schema.first_version


def _expected(schema: Schema) -> Iterator[tuple[str, str, str]]:
    """Name, hash and place of what a database that is up to date has had."""
    if schema.baseline is not None:
        tables = ", ".join(file.name for file in schema.baseline.files)
        yield schema.baseline.name, schema.baseline.sha256, f"the baseline (one of {tables})"
    for file in schema.migrations:
        yield file.path.name, file.sha256, str(file.path)


def _apply_topics(connection: psycopg.Connection[Any], schema: Schema) -> tuple[tuple[str, ...], int]:
    """Applies all topic files when any was changed, added or removed; names of those, views dropped."""
    known = dict(connection.execute("select name, sha256 from desk.schema_topics").fetchall())
    hashes = schema.topic_hashes
    changed = tuple(
        sorted(name for name in known.keys() | hashes.keys() if known.get(name) != hashes.get(name))
    )
    if not changed:
        return (), 0
    dropped = 0
    with connection.transaction():
        try:
            with connection.transaction():
                _execute_all(connection, schema.topics)
        except MigrationError as error:
            if not isinstance(error.__cause__, _BLOCKED):
                raise
            dropped = _drop_analytics_views(connection)
            if not dropped:
                raise
            _execute_all(connection, schema.topics)
        connection.execute("delete from desk.schema_topics")
        connection.cursor().executemany(
            "insert into desk.schema_topics (name, sha256) values (%s, %s)", list(hashes.items())
        )
    return changed, dropped


def _drop_analytics_views(connection: psycopg.Connection[Any]) -> int:
    """What stands on them goes with them: the views of `marts`, and whatever was made of a view's rows."""
    found = connection.execute(
        "select relname, relkind::text from pg_class"
        " where relnamespace = 'analytics'::regnamespace and relkind in ('v', 'm') order by relname"
    ).fetchall()
    connection.execute("set local role desk_dbt")
    for kind, statement in (
        ("v", sql.SQL("drop view if exists {} cascade")),
        ("m", sql.SQL("drop materialized view if exists {} cascade")),
    ):
        names = [sql.Identifier("analytics", name) for name, relkind in found if relkind == kind]
        if names:
            connection.execute(statement.format(sql.SQL(", ").join(names)))
    connection.execute("set local role desk_owner")
    return len(found)


def _execute_all(connection: psycopg.Connection[Any], files: Sequence[SchemaFile]) -> None:
    for file in files:
        _execute(connection, file)


def _execute(connection: psycopg.Connection[Any], file: SchemaFile) -> None:
    """Sends the whole file at once; without parameters there is nothing to split and nothing to quote."""
    try:
        connection.execute(file.text.encode())
    except psycopg.Error as error:
        raise _explained(file, error) from error
    if connection.info.transaction_status != TransactionStatus.INTRANS:
        raise MigrationError(
            f"{file.path} ends its transaction itself", hint="remove its begin, commit or rollback"
        )


def _explained(file: SchemaFile, error: psycopg.Error) -> MigrationError:
    position = error.diag.statement_position
    where = str(file.path)
    if position:
        before = file.text[: int(position) - 1]
        where += f":{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    reason = error.diag.message_primary or str(error).strip()
    detail = "\n".join(part for part in (error.diag.message_detail, error.diag.context) if part)
    return MigrationError(f"{where}: {reason}", detail=detail or None, hint=error.diag.message_hint)
