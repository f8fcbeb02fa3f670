"""A name under which one process runs at a time: a lock on a file, held by the process itself for as long as
it lives, whatever becomes of whoever started it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOG_BYTES = 10_000_000
"""A longer log is set aside, once, when its process is started."""


@dataclass(frozen=True)
class Slot:
    """`folder` has a lock and a log a name."""

    folder: Path
    name: str

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def _lock(self) -> Path:
        return self.folder / f"{self.name}.lock"

    def pid(self) -> int | None:
        """The process that holds it; None where none does."""
        try:
            held = os.open(self._lock, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.read(held, 20) or b"0")
        finally:
            os.close(held)
        return None

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
        """The process, detached from this one; None where one holds the name already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
        held = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            with self.log.open("ab") as output:
                # The lock goes over to the process with the file, which it keeps open without knowing.
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(environment),
                    start_new_session=True, pass_fds=(held,),
                )  # fmt: skip
            os.ftruncate(held, 0)
            os.pwrite(held, str(process.pid).encode(), 0)
            return process
        finally:
            os.close(held)

    def signal(self, number: signal.Signals) -> int | None:
        """Sends it to the process; its pid, None where there is none."""
        pid = self.pid()
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return pid
