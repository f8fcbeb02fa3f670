"""A connection that did not become what it was asked to be is refused, whoever asks and by whatever way."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from runners import dbt
from runners.database import connection, dump, embedded, passwords
from testing.desks import Desk
from tests.forgetful_pooler import ForgetfulPooler


@pytest.fixture
def pooler(desk: Desk) -> Iterator[tuple[Desk, ForgetfulPooler]]:
    """The desk as a login of a server behind a pooler sees it, and that pooler."""
    server = embedded.status(desk.settings)
    assert server is not None
    with tempfile.TemporaryDirectory(prefix="pooler-") as folder:
        between = ForgetfulPooler(Path(folder), server.socket_folder, passwords.PORT)
        url = make_conninfo(
            host=folder,
            port=passwords.PORT,
            user=embedded.SUPERUSER,
            password=passwords.read(embedded.password_file(desk.settings))[embedded.SUPERUSER],
            dbname=desk.name,
        )
        yield Desk(replace(desk.settings, database_url=url)), between
        between.close()


@pytest.mark.parametrize("role", connection.ROLES)
def test_no_role_is_mistaken_for_the_login(pooler: tuple[Desk, ForgetfulPooler], role: str) -> None:
    desk, between = pooler
    with pytest.raises(connection.WrongRole) as refused:
        desk.connect(role)
    assert role == "admin" or f"as postgres, which was to be desk_{role}" in refused.value.message
    assert "PgBouncer" in (refused.value.hint or "")
    between.forgets = False
    desk.connect(role).close()


def test_nor_is_a_child_of_ours(pooler: tuple[Desk, ForgetfulPooler], tmp_path: Path) -> None:
    desk, _ = pooler
    with pytest.raises(connection.WrongRole):
        dbt.build(desk.settings)
    with pytest.raises(connection.WrongRole):
        dump.backup(desk.settings, tmp_path / "desk.dump")
    done = subprocess.run(
        [sys.executable, "-m", "runners.cli", "psql", "--role", "viewer", "-Atc", "select current_user"],
        env={**os.environ, **desk.environment},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "the server took the connection as postgres, which was to be desk_viewer" in done.stderr
