"""The embedded server starts, is joined, survives what happens to it, and says plainly what it refuses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runners.database import connection, embedded, passwords, pid_file, socket_folder, unprivileged
from runners.database.programs import ServerError
from runners.settings import Settings

START = "from runners.database import embedded; from runners.settings import Settings; "


@pytest.fixture
def place() -> Iterator[Path]:
    """A short folder; servers that a test leaves running in it are stopped."""
    folder = Path(tempfile.mkdtemp(prefix="d-"))
    yield folder
    for found in folder.rglob("PG_VERSION"):
        if found.parent.name == "postgres":
            embedded.stop(Settings(home=found.parent.parent))
    shutil.rmtree(folder)


def answers(settings: Settings) -> bool:
    with psycopg.connect(embedded.administrator(settings)) as admin:
        return admin.execute("select 1").fetchone() == (1,)


@pytest.mark.smoke
def test_it_starts_is_joined_and_stops(place: Path) -> None:
    settings = Settings(home=place)
    first = embedded.start(settings)
    second = embedded.start(settings)
    assert (first.started, second.started, first.pid) == (True, False, second.pid)
    assert answers(settings)
    assert embedded.stop(settings)
    assert not embedded.stop(settings)
    assert embedded.status(settings) is None
    assert embedded.start(settings).started


@pytest.mark.parametrize(
    "name",
    ['a blank, a comma, it\'s "so"', "$HOME `x` \\ 100% ünï", "x" * 180],
    ids=["quotes", "shell", "long"],
)
def test_the_home_may_have_any_name(place: Path, name: str) -> None:
    settings = Settings(home=place / name)
    embedded.start(settings)
    assert answers(settings)
    assert len(os.fsencode(embedded.host(settings))) <= socket_folder.LONGEST


def test_committed_work_outlives_a_kill(place: Path) -> None:
    settings = Settings(home=place)
    server = embedded.start(settings)
    admin = psycopg.connect(embedded.administrator(settings))
    admin.execute("create table kept as select generate_series(1, 2000) as n")
    admin.commit()
    admin.execute("insert into kept select generate_series(1, 1000)")
    os.kill(server.pid, signal.SIGKILL)
    again = embedded.start(settings)
    admin.close()
    assert again.started
    with psycopg.connect(embedded.administrator(settings)) as admin:
        assert admin.execute("select count(*) from kept").fetchone() == (2000,)


def test_four_processes_at_once_share_one_server(place: Path) -> None:
    code = START + "import os; print(embedded.start(Settings.from_environment()).pid)"
    environment = {**os.environ, "BACKDESK_HOME": str(place / "home")}
    racing = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    pids = [process.communicate(timeout=120)[0] for process in racing]
    assert [process.returncode for process in racing] == [0] * 4
    assert len(set(pids)) == 1


def test_it_survives_ctrl_c_in_the_terminal_that_started_it(place: Path) -> None:
    code = (
        START
        + "import time; print(embedded.start(Settings.from_environment()).pid, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "BACKDESK_HOME": str(place)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as launcher:
        assert launcher.stdout is not None
        pid = int(launcher.stdout.readline())
        os.killpg(launcher.pid, signal.SIGINT)
    assert pid_file.is_postgres(pid)
    assert answers(Settings(home=place))


def test_a_pid_file_that_names_a_stranger_is_removed(place: Path) -> None:
    settings = Settings(home=place)
    embedded.start(settings)
    lines = (settings.home / "postgres" / "postmaster.pid").read_text().splitlines()
    embedded.stop(settings)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (settings.home / "postgres" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]))
        assert embedded.status(settings) is None
        assert embedded.start(settings).started
        stranger.kill()


def test_a_server_whose_socket_was_swept_away_is_restarted(place: Path) -> None:
    settings = Settings(home=place)
    server = embedded.start(settings)
    shutil.rmtree(server.socket_folder)
    assert embedded.start(settings).started
    assert answers(settings)


def test_a_half_made_data_folder_is_made_again(place: Path) -> None:
    (place / "postgres.new").mkdir()
    (place / "postgres.new" / "PG_VERSION").write_text("18\n")
    embedded.start(Settings(home=place))
    assert not (place / "postgres.new").exists()


def test_a_home_that_was_moved_still_works(place: Path) -> None:
    settings = Settings(home=place / "here")
    embedded.start(settings)
    embedded.stop(settings)
    settings.home.rename(place / "there")
    moved = Settings(home=place / "there")
    embedded.start(moved)
    assert answers(moved)


def test_another_major_version_is_refused(place: Path) -> None:
    settings = Settings(home=place)
    embedded.start(settings)
    embedded.stop(settings)
    (place / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServerError, match=r"PostgreSQL 16, and this desk brings PostgreSQL 18"):
        embedded.start(settings)
    (place / "postgres" / "PG_VERSION").write_text("18\n")


def test_a_server_that_cannot_start_says_why_at_once(place: Path) -> None:
    settings = Settings(home=place)
    embedded.start(settings)
    embedded.stop(settings)
    with (place / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("max_connections = none\n")
    began = time.monotonic()
    with pytest.raises(ServerError) as caught:
        embedded.start(settings)
    assert "max_connections" in str(caught.value.detail)
    assert time.monotonic() - began < 10


def test_lost_passwords_are_said_to_be_lost(place: Path) -> None:
    settings = Settings(home=place)
    embedded.start(settings)
    embedded.stop(settings)
    (place / "passwords").unlink()
    with pytest.raises(ServerError, match="password file"):
        embedded.start(settings)


def test_only_the_user_can_read_what_it_keeps(place: Path) -> None:
    settings = Settings(home=place / "home")
    server = embedded.start(settings)
    assert (settings.home / "passwords").stat().st_mode & 0o777 == 0o600
    assert server.data.stat().st_mode & 0o077 == 0
    assert server.socket_folder.stat().st_mode & 0o077 == 0
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host=str(server.socket_folder), port=5432, user="postgres", dbname="postgres", password="guessed"
        )


def test_it_does_not_listen_on_the_network(place: Path) -> None:
    settings = Settings(home=place)
    embedded.start(settings)
    with psycopg.connect(embedded.administrator(settings)) as admin:
        assert admin.execute("show listen_addresses").fetchone() == ("",)


def test_a_socket_folder_that_others_can_enter_is_refused(place: Path) -> None:
    folder = place / "socket"
    folder.mkdir(mode=0o755)
    with pytest.raises(socket_folder.SocketFolderError, match="not private"):
        socket_folder.create(folder)


def test_a_desk_that_is_down_says_how_to_bring_it_up(place: Path) -> None:
    with pytest.raises(connection.DatabaseUnavailable) as caught:
        connection.connect("viewer", settings=Settings(home=place))
    assert caught.value.hint == "run `backdesk up`"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_user_namespaces(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder changes hands between the two ways of not being root, there and back."""
    settings = Settings(home=place)
    embedded.start(settings)
    embedded.stop(settings)
    with monkeypatch.context() as patched:
        patched.setattr(unprivileged, "_NAMESPACE", ("no-such-program",))
        unprivileged.prefix.cache_clear()
        assert embedded.start(settings).started
        assert answers(settings)
        assert (place / "postgres").stat().st_uid == unprivileged.NOBODY
        embedded.stop(settings)
    unprivileged.prefix.cache_clear()
    assert embedded.start(settings).started
    assert answers(settings)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_that_may_do_nothing_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unprivileged, "_NAMESPACE", ("no-such-program",))
    monkeypatch.setattr(unprivileged, "_CAPABILITY", ("no-such-program",))
    unprivileged.prefix.cache_clear()
    with pytest.raises(unprivileged.RootRefused, match="does not run as root"):
        unprivileged.prefix()
    unprivileged.prefix.cache_clear()


def test_passwords_survive_colons_and_backslashes_in_the_path(tmp_path: Path) -> None:
    made = passwords.ensure(tmp_path / "passwords", ["a", "b"], Path("/odd:path\\here"))
    assert passwords.read(tmp_path / "passwords") == made
    again = passwords.ensure(tmp_path / "passwords", ["c"], Path("/elsewhere"))
    assert {name: again[name] for name in made} == made
    assert sorted(passwords.read(tmp_path / "passwords")) == ["a", "b", "c"]
