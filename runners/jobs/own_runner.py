"""A runner of one's own, for who wants results and has none running.

It is a process of its own, so that it forks its children before anything here has a connection or a thread.
It gets ready while the search is queued, and begins only when it is told to.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Self

from runners.errors import DeskError
from runners.settings import Settings

if TYPE_CHECKING:
    import psycopg

STOP_SECONDS = 30.0

ALIVE = "select host, pid from desk.runner_status where alive"


class RunnerFailed(DeskError):
    """The runner that was started here ended with an error."""


def runner_is_alive(connection: psycopg.Connection[Any]) -> bool:
    """True where somebody will claim work; one that was killed on this host does not count as alive."""
    here = socket.gethostname()
    return any(host != here or _exists(pid) for host, pid in connection.execute(ALIVE))


class OwnRunner:
    """What `backdesk work --drain` is, as a child that Ctrl-C on the terminal does not reach.

    It works from begin() on; who leaves the context stops it.
    """

    def __init__(self, settings: Settings, processes: int = 0) -> None:
        # What it says is kept for the case that it fails.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        environment = {
            **os.environ,
            "BACKDESK_HOME": str(settings.home),
            "BACKDESK_DATABASE": settings.database,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "runners.worker", str(processes)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )

        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def begin(self) -> None:
        """Have it claim work."""
        assert self._process.stdin is not None
        # Where it has ended already, its exit code says why.
        with suppress(BrokenPipeError), self._process.stdin as line:
            line.write(b"\n")
        self._begun = True

    def ended(self) -> int | None:
        """Its exit code, once it has one."""
        return self._process.poll()

    def wait(self, seconds: float) -> None:
        """Until it ends, but no longer than this."""
        try:
            descriptor = os.pidfd_open(self._process.pid)
        except (AttributeError, OSError):  # Only Linux has them.
            time.sleep(seconds)
            return
        try:
            select.select([descriptor], [], [], seconds)
        finally:
            os.close(descriptor)

    def failure(self) -> RunnerFailed:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return RunnerFailed(
            f"the runner ended with code {self._process.returncode}",
            detail="\n".join(lines[-5:]) or None,
            hint="start it by hand to see more: backdesk work",
        )

    def stop(self) -> None:
        """Let it finish what runs; Ctrl-C meanwhile makes it give its work back at once."""
        if not self._begun:
            self._process.kill()
            self._process.communicate()
        elif self.ended() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
            except (KeyboardInterrupt, subprocess.TimeoutExpired):
                self._process.send_signal(signal.SIGINT)
                try:
                    self._process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
        self._log.close()


def in_readiness(processes: int, *, wanted: bool) -> AbstractContextManager[OwnRunner | None]:
    """A runner for a search that is still to be queued, or none.

    It takes longest to get ready, so that a command starts it before everything else is imported.
    """
    return OwnRunner(Settings.from_environment(), processes) if wanted else nullcontext()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
