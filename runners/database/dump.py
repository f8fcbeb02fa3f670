"""A desk as one file, and a desk out of such a file.

The file is pg_dump's custom format of the schema `desk`, which is all there is: dbt makes `analytics` out of
it, and roles and passwords belong to the server. Restoring replaces both schemas in one transaction, so that
a file which turns out to be broken leaves the desk as it was.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from runners.database import connection, migrator, waiting
from runners.database.clients import client
from runners.database.roles import ROLES_FILE
from runners.database.schema_files import read_schema
from runners.errors import DeskError
from runners.settings import Settings

# Everybody else queues behind a restore that waits for a reader.
LOCK_SECONDS = 5.0

_EMPTY = b"drop schema if exists marts, analytics, desk cascade;\n"

# Written by pg_dump 17 and newer at the head of the script, and unknown to servers before that.
_UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;\n"


class BackupError(DeskError):
    """A backup that could not be written or read."""


@dataclass(frozen=True)
class Contents:
    """What a desk holds, for people to compare."""

    version: int
    strategies: int
    jobs: int
    results: int
    prices: int

    @property
    def would_be_missed(self) -> bool:
        """True where there is more than what every desk begins with."""
        return bool(self.jobs or self.results or self.prices)

    def __str__(self) -> str:
        return (
            f"{self.strategies} strategies, {self.prices} price series, {self.jobs} jobs,"
            f" {self.results} results"
        )


def contents(settings: Settings) -> Contents | None:
    """What the desk holds; None where there is no schema yet."""
    with connection.connect("admin", settings=settings) as admin:
        there = admin.execute("select to_regclass('desk.backtest_results') is not null").fetchone()
        if there != (True,):
            return None
        try:
            row = admin.execute(
                "select (select max(version) from desk.schema_migrations),"
                " (select count(*) from desk.strategies), (select count(*) from desk.jobs),"
                " (select count(*) from desk.backtest_results),"
                " (select count(distinct (instrument_id, timeframe)) from desk.price_versions)"
            ).fetchone()
        except psycopg.errors.InsufficientPrivilege as error:
            raise BackupError(
                f"the login {admin.info.user} may not read all of the desk",
                hint="use the login that `backdesk up` was run with: docs/deploy.md",
            ) from error
    assert row is not None
    return Contents(*row)


def runners_alive(settings: Settings) -> int:
    """Runners that would go on working on a desk that is being replaced."""
    with connection.connect("admin", settings=settings) as admin:
        row = admin.execute("select count(*) from desk.runner_status where alive").fetchone()
    assert row is not None
    return int(row[0])


def backup(settings: Settings, file: Path) -> int:
    """Writes the desk into `file` and returns its size in bytes. Readers and runners go on meanwhile."""
    partial = file.with_name(file.name + ".partial")
    program = client("pg_dump", server_major(settings))
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        raise BackupError(
            f"{file} cannot be written: {error.strerror}", hint="choose another folder"
        ) from error
    # Named, not through a descriptor of ours: pg_dump goes back to the head of the file at the end, and only
    # then is a file recognised that was cut short later.
    command = ["--format=custom", "--schema=desk", "--role=desk_owner", "--lock-wait-timeout=60s"]
    try:
        done = subprocess.run(
            [str(program), *command, f"--file={partial}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(settings),
        )
        if done.returncode != 0:
            raise BackupError("the desk could not be dumped", detail=_said(done.stderr))
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return file.stat().st_size


def read(settings: Settings, file: Path) -> int:
    """The schema version of a backup. Raises BackupError for what is none, or is newer than this code."""
    if not file.is_file():
        raise BackupError(f"there is no file {file}")
    program = client("pg_restore", server_major(settings))
    done = subprocess.run(
        [program, "--data-only", "--schema=desk", "--table=schema_migrations", "--file=-", file],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    versions = [int(number) for number in re.findall(rb"^(\d+)\tV\d{4}__", done.stdout, re.MULTILINE)]
    if done.returncode != 0 or not versions:
        raise BackupError(
            f"{file} is no backup of a desk",
            detail=_said(done.stderr) or None,
            hint="backdesk backup writes one",
        )
    schema = read_schema()
    if max(versions) > schema.version:
        raise BackupError(
            f"{file} is newer than this code: it is at version {max(versions)},"
            f" the code knows {schema.version}",
            hint="use the newer code",
        )
    migrator.refuse_older(max(versions), schema, str(file))
    return max(versions)


def restore(settings: Settings, file: Path) -> None:
    """Replaces the desk by what is in `file`: all of it or, where anything fails, nothing."""
    major = server_major(settings)
    with _psql(settings, client("psql", major)) as into:
        into.write(_EMPTY + ROLES_FILE.read_bytes() + b"\nset role desk_owner;\n")
        command = [str(client("pg_restore", major)), "--schema=desk", "--no-owner", "--file=-", str(file)]
        with (
            tempfile.TemporaryFile() as complaint,
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaint
            ) as dump,
        ):
            assert dump.stdout is not None
            for line in dump.stdout:
                if major >= 17 or line != _UNKNOWN_BEFORE_17:
                    into.write(line)
            if dump.wait() != 0:
                complaint.seek(0)
                raise BackupError(
                    f"{file} could not be read to its end; the desk is as it was",
                    detail=_said(complaint.read()),
                )
        into.write(b"\nreset role;\ncommit;\n")


@contextmanager
def _psql(settings: Settings, program: Path) -> Iterator[IO[bytes]]:
    """Standard input of a psql in a transaction that only a last `commit` makes real."""
    process = subprocess.Popen(
        [program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file=-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_environment(settings) | {"PGAPPNAME": "backdesk restore"},
    )
    assert process.stdin is not None
    assert process.stderr is not None
    broken = False
    try:
        process.stdin.write(
            f"set client_min_messages = warning;\nset lock_timeout = '{LOCK_SECONDS}s';\nbegin;\n".encode()
        )
        yield process.stdin
    except BrokenPipeError:
        broken = True
    finally:
        try:
            process.stdin.close()
        except BrokenPipeError:
            broken = True
        said = process.stderr.read()
        code = process.wait()
    if code != 0 or broken:
        what, detail = "the backup could not be restored; the desk is as it was", _said(said)
        if "lock timeout" not in detail:
            raise BackupError(what, detail=detail)
        with connection.connect("admin", settings=settings) as admin:
            names, remedy = waiting.holders(admin)
        raise BackupError(what, detail=f"{detail}\n{names or ''}".rstrip(), hint=remedy)


def server_major(settings: Settings) -> int:
    """Major version of the desk's server."""
    with connection.connect("admin", settings=settings) as admin:
        return int(admin.info.server_version) // 10000


def _environment(settings: Settings) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {"LC_ALL": "C"} | connection.environment("admin", settings=settings)


def _said(text: bytes, count: int = 6) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return "\n".join(lines[:count])
