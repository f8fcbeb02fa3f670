"""The worker's side of the zygote: starts it, talks to it, reads the children's pipes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from backdesk.data import checkout
from runners.engines.base import Point, PointRange, RunSettings
from runners.errors import DeskError
from runners.worker.protocol import FrameReader, Ready, StartChild, pack

SECRETS = ("PG", "DATABASE_", "POSTGRES")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PIPE_BYTES = 1 << 20
# One point's result; what is asked for is allocated, however little comes.
READ_BYTES = 1 << 16


class ZygoteError(DeskError):
    """The zygote could not start, or has died."""


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment that does not lead to the database; one thread for numeric libraries."""
    kept = {name: value for name, value in environment.items() if not name.startswith(SECRETS)}
    kept.update(dict.fromkeys(ONE_THREAD, "1"))
    # A checkout need not be installed. Of installed packages none must come before Python's own modules.
    if (repository := checkout()) is not None:
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(repository), environment.get("PYTHONPATH")]))
    return kept


class ChildPipe:
    """The read end of a child's pipe."""

    def __init__(self, child_id: int, descriptor: int) -> None:
        self.child_id = child_id
        self._descriptor = descriptor
        self._reader = FrameReader()

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> Iterator[Any]:
        """Messages that have arrived; never waits."""
        while True:
            try:
                data = os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                return
            yield from self._reader.feed(data)
            # A pipe gives all that it has, so less than was asked for leaves nothing.
            if len(data) < READ_BYTES:
                return

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class ZygoteClient:
    """One zygote process, which is started here and gets ready while the worker does other things."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                # -P: the folder that the user stands in must not shadow the desk's modules.
                [sys.executable, "-P", "-m", "runners.worker.zygote", str(theirs.fileno()), str(os.getpid())],
                env=scrubbed(os.environ if environment is None else environment),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # A session of its own: Ctrl-C on the terminal is for the worker to judge.
                start_new_session=True,
            )
        self._socket = ours
        self._reader = FrameReader()
        self._next_child = 1

    @cached_property
    def ready(self) -> Ready:
        """What it has imported; waits until it has. ZygoteError where it could not."""
        try:
            return self._first_message()
        except BaseException:
            self.close()
            raise

    def _first_message(self) -> Ready:
        for message in self.receive(wait=True):
            if isinstance(message, Ready):
                if message.error:
                    raise ZygoteError(message.error, hint="mend the file, or take it out of that folder")
                return message
        raise ZygoteError("the process that runs backtests ended while it started")

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def pid(self) -> int:
        return self._process.pid

    def receive(self, *, wait: bool = False) -> Iterator[Any]:
        """Messages that have arrived; with `wait`, block until there is one. ZygoteError when it has died."""
        self._socket.setblocking(wait)
        received = False
        try:
            while not (wait and received):
                data = self._socket.recv(READ_BYTES)
                if not data:
                    raise ZygoteError("the process that runs backtests has ended unexpectedly")
                for message in self._reader.feed(data):
                    received = True
                    yield message
        except BlockingIOError:
            return
        except ConnectionResetError as error:
            raise ZygoteError("the process that runs backtests has ended unexpectedly") from error
        finally:
            self._socket.setblocking(True)

    def send(self, message: object) -> None:
        self._send(pack(message))

    def start_child(
        self,
        settings: RunSettings,
        prices_key: str,
        points: tuple[Point, ...] | tuple[PointRange, ...],
        plan: Mapping[str, Any] | None = None,
    ) -> ChildPipe:
        """Have a child forked; its id is on the pipe that is returned."""
        child_id = self._next_child
        self._next_child += 1
        read_end, write_end = os.pipe2(os.O_CLOEXEC)
        _widen(write_end)
        try:
            self._send(pack(StartChild(child_id, settings, prices_key, points, plan)), write_end)
        finally:
            os.close(write_end)
        os.set_blocking(read_end, False)
        return ChildPipe(child_id, read_end)

    def _send(self, data: bytes, *descriptors: int) -> None:
        try:
            if descriptors:
                data = data[socket.send_fds(self._socket, [data], list(descriptors)) :]
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ZygoteError("the process that runs backtests has ended unexpectedly") from error

    def close(self) -> None:
        """End the zygote and every child."""
        self._socket.close()
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)


def _widen(pipe: int) -> None:
    """Let a child hand over some results without waiting for the worker to read."""
    import fcntl

    with suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
