"""The child of a session's process, as its parent has it: started from the copy of the code, and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any

from runners.live.code_copy import CodeCopy
from runners.live.wire import Wire

KEPT = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "LD_LIBRARY_PATH")
"""What a strategy's process is told of its surroundings; no address and no password of a database."""


class ChildProcess:
    """Runs `strategy_child` in a group of its own, so that what a strategy starts ends with it."""

    def __init__(self, copy: CodeCopy, terms: dict[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {
            "PYTHONPATH": str(copy.folder),
            # Sets of texts have the same order in every process that goes through the stream.
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TZ": "UTC",
        }
        if copy.own is not None:
            environment["BACKDESK_STRATEGIES"] = str(copy.own)
        numbers = [str(theirs.fileno()), str(os.getpid())]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "runners.live.strategy_child", *numbers],
                cwd=copy.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self.wire = Wire(ours)
        self.wire.tell(**terms)

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> int:
        """Kills it, and answers how it had ended: its exit code, negative the signal."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        self.wire.close()
        return code

    def wait(self, seconds: float) -> int | None:
        """How it ended by itself; None where it has not."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
