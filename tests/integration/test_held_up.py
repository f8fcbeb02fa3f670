"""Who may only read cannot stop the desk: whoever waits goes on within seconds, or names who it waits for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from runners.cli.doctor import rights
from runners.cli.doctor.finding import Severity
from runners.cli.login import login as make_login
from runners.database import connection, dump, migrator, roles, waiting
from testing.desks import Desk

pytestmark = pytest.mark.sql

QUICK = 0.4


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOCK_SECONDS", QUICK)
    monkeypatch.setattr(waiting, "PAUSES", (0.1, 0.1))
    monkeypatch.setattr(waiting, "SAY_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(waiting, "STRANGERS_TURN_SECONDS", 1.0)


@pytest.fixture(scope="module")
def reader(desk: Desk) -> Iterator[psycopg.Connection[Any]]:
    with desk.connect("viewer", application_name="a report") as viewer:
        viewer.execute("set statement_timeout = 0")
        viewer.execute("set idle_in_transaction_session_timeout = 0")
        yield viewer


def test_a_read_that_is_held_open_stops_nobody_and_is_named(
    desk: Desk, reader: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with desk.connect("owner") as owner:
        owner.execute("update desk.schema_topics set sha256 = ''")
    with desk.connect("admin") as admin, desk.connect("director") as director, ThreadPoolExecutor(1) as pool:
        reader.execute("begin isolation level repeatable read")
        reader.execute("select count(*) from desk.backtest_results")
        time.sleep(QUICK + 0.1)
        up = pool.submit(migrator.migrate, admin)
        slowest, asked = 0.0, 0
        while not up.done():
            began = time.monotonic()
            director.execute("select count(*) from desk.backtest_results")
            slowest, asked = max(slowest, time.monotonic() - began), asked + 1
            time.sleep(0.01)
        with pytest.raises(waiting.Held) as held:
            up.result()
        reader.execute("rollback")
        assert asked > 2
        assert slowest < 10 * QUICK
        pid = reader.info.backend_pid
        assert f"process {pid} of the login" in (held.value.detail or "")
        assert "application a report" in (held.value.detail or "")
        assert f"select pg_terminate_backend({pid})" in (held.value.hint or "")
        assert f"waiting for a lock: process {pid}" in capsys.readouterr().err
        # Nothing is left of the attempt, and the next one does all of it.
        assert admin.execute(
            "select current_user = session_user, current_setting('lock_timeout')"
        ).fetchone() == (
            True,
            "0",
        )
        assert migrator.migrate(admin).topics


def test_the_lock_of_migrations_in_a_strangers_hands_is_named(
    desk: Desk, reader: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with desk.connect("admin") as admin:
        (superuser,) = admin.execute(
            "select rolsuper from pg_roles where rolname = current_user"
        ).fetchone() or (None,)
        if superuser:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("select pg_advisory_lock(%s)", [migrator._LOCK])
            admin.execute("grant execute on function pg_advisory_lock(bigint) to desk_viewer")
        reader.execute("select pg_advisory_lock(%s)", [migrator._LOCK])
        try:
            if desk.settings.database_url:
                # There the reader's login is the installing one, which may migrate.
                pytest.skip("a stranger has a login of its own")
            with pytest.raises(waiting.Held, match="lock of migrations is taken") as held:
                migrator.migrate(admin)
        finally:
            reader.execute("select pg_advisory_unlock_all()")
            if superuser:
                admin.execute("revoke execute on function pg_advisory_lock(bigint) from desk_viewer")
        pid = reader.info.backend_pid
        assert f"process {pid} of the login desk_viewer, application a report" in (held.value.detail or "")
        assert f"pg_terminate_backend({pid})" in (held.value.hint or "")
        assert f"waiting for another migration: process {pid}" in capsys.readouterr().err
        migrator.migrate(admin)


def test_a_role_that_alters_itself_and_waits_is_named_too(
    desk: Desk, reader: psycopg.Connection[Any]
) -> None:
    if desk.settings.database_url:
        pytest.skip("passwords are set on the embedded server only")
    reader.execute("begin read write")
    reader.execute("alter role current_user password 'mine'")
    time.sleep(QUICK + 0.1)
    with pytest.raises(waiting.Held) as held:
        roles.ensure_roles(desk.settings)
    reader.execute("rollback")
    assert f"process {reader.info.backend_pid} of the login desk_viewer" in (held.value.detail or "")
    roles.ensure_roles(desk.settings)


def test_all_the_connections_of_a_reader_leave_room_for_the_others(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("a reader's")
    login = "backdesk_test_readers"
    make_login(login, role=["viewer"], password_file=file)
    target = make_conninfo(
        desk.conninfo("admin"), user=login, password="a reader's", passfile="", options="-c role=desk_viewer"
    )
    with desk.connect("admin") as admin, ExitStack() as stack:
        stack.callback(admin.execute, f"drop role {login}".encode())
        held = stack.enter_context(ExitStack())
        (limit,) = admin.execute(
            "select rolconnlimit from pg_roles where rolname = 'desk_viewer'"
        ).fetchone() or (0,)
        for _ in range(limit):
            held.enter_context(psycopg.connect(target))
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            psycopg.connect(target)
        began = time.monotonic()
        for role in ("director", "runner", "admin"):
            desk.connect(role).close()
        assert time.monotonic() - began < 10
        held.close()


def test_what_a_role_changed_for_itself_is_found_and_mended(desk: Desk) -> None:
    with desk.connect("admin") as admin:
        name = admin.info.dbname
        with desk.connect("viewer") as viewer:
            viewer.execute("set default_transaction_read_only = off")
            viewer.execute("alter role desk_viewer set search_path = 'x'")
            viewer.execute("alter role desk_viewer set statement_timeout = 0")
            viewer.execute(f"alter role desk_viewer in database {name} set work_mem = '2GB'".encode())
            if desk.settings.database_url is None:
                viewer.execute("alter role desk_viewer password 'x'")
        found = rights.roles(desk.settings, admin)
        assert found.severity is Severity.warning
        for what in (
            "set search_path=x",
            "set statement_timeout=0",
            "lacks statement_timeout=60s",
            "work_mem=2GB",
        ):
            assert what in found.found
        if desk.settings.database_url is None:
            assert "desk_viewer has another password" in found.found
        roles.ensure_roles(desk.settings)
        assert rights.roles(desk.settings, admin).severity is Severity.ok
    with desk.connect("viewer") as viewer:
        assert viewer.execute("show statement_timeout").fetchone() == ("1min",)


def test_each_connection_is_who_it_was_asked_to_be(desk: Desk) -> None:
    for role in connection.ROLES:
        with desk.connect(role, autocommit=False) as session:
            found = session.execute("select current_user::text, current_setting('search_path')").fetchone()
        assert found is not None
        assert role == "admin" or found[0] == f"desk_{role}"
        assert found[1] == connection.SEARCH_PATHS[role]


def test_a_restore_gives_up_and_names_the_reader(
    desk: Desk, reader: psycopg.Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if desk.settings.database_url:
        pytest.skip("needs the programs of the embedded server")
    file = tmp_path / "desk.dump"
    dump.backup(desk.settings, file)
    monkeypatch.setattr(dump, "LOCK_SECONDS", QUICK)
    reader.execute("begin")
    reader.execute("select count(*) from desk.backtest_results")
    time.sleep(QUICK)
    with pytest.raises(dump.BackupError, match="the desk is as it was") as refused:
        dump.restore(desk.settings, file)
    reader.execute("rollback")
    assert f"process {reader.info.backend_pid} of the login desk_viewer" in (refused.value.detail or "")
