"""Starts runners by the dozen: everything is imported once, and each runner, with its zygote, is a fork.

A program of its own, without a connection. Each line on standard input is a number of seconds that a point
takes; the answer is the process id of a runner that has been started. It ends with its input, and everything
that it started ends with it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from runners.database.connection import connect
from runners.settings import Settings
from runners.worker.loop import Loop
from runners.worker.patience import PatientConnection
from runners.worker.process_limits import die_with_parent
from runners.worker.progress import WorkProgress
from runners.worker.protocol import FrameReader, Ready
from runners.worker.queue import Runner
from runners.worker.zygote import Zygote
from runners.worker.zygote_client import ZygoteClient
from tests.chaos.trivial_engine import TrivialEngine

PROCESSES = 2


class ForkedZygote(ZygoteClient):
    """A zygote that is forked instead of started, so that a runner begins in milliseconds."""

    def __init__(self, seconds: float, log: str, strategies: tuple[dict[str, object], ...]) -> None:
        ours, theirs = socket.socketpair()
        worker = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                ours.close()
                os.setsid()
                die_with_parent(worker)
                Zygote(theirs, {"backtrader": TrivialEngine(seconds, log)}).serve()
            finally:
                os._exit(0)
        theirs.close()
        self._socket = ours
        self._reader = FrameReader()
        self._next_child = 1
        self.ready = Ready(("backtrader",), strategies)

    @property
    def pid(self) -> int:
        return self._pid

    def close(self) -> None:
        self._socket.close()
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def run(seconds: float, folder: Path, strategies: tuple[dict[str, object], ...]) -> int:
    settings = Settings.from_environment()
    with (folder / "runners.log").open("a") as log:
        os.dup2(log.fileno(), 2)
        loop = Loop(
            lambda: connect("runner", settings=settings, application_name="chaos", kind=PatientConnection),
            describe,
            processes=PROCESSES,
            progress=WorkProgress(Console(file=log)),
            start_zygote=lambda: ForkedZygote(seconds, str(folder / "executions"), strategies),
        )
        return loop.run()


def describe(zygote: Any) -> Runner:
    strategies = zygote.ready.strategies
    return Runner("chaos", os.getpid(), "0", ("backtrader",), PROCESSES, "test", False, strategies)


def main() -> None:
    folder = Path(sys.argv[1])
    strategies = tuple(json.loads((folder / "strategies.json").read_text()))
    launcher = os.getpid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                die_with_parent(launcher)
                os.setsid()
                code = run(float(line), folder, strategies)
            except BaseException as error:
                detail = getattr(error, "detail", None) or ""
                print(f"runner ended: {type(error).__name__}: {error} {detail}", file=sys.stderr, flush=True)
            finally:
                os._exit(code)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
