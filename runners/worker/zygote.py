"""The zygote: a single-threaded process that has everything imported and forks a child per work item.

It is started as a program of its own with a scrubbed environment, before the worker connects to anything, so
neither it nor a child has ever held a connection or a password. It answers on one socket.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from runners.engines.base import AdjustedPrices, Engine
from runners.worker.child import BULK, run_child
from runners.worker.process_limits import die_with_parent
from runners.worker.protocol import (
    ChildEnded,
    ChildStarted,
    ForgetPrices,
    FrameReader,
    KillChild,
    LoadPrices,
    Ready,
    StartChild,
    pack,
)


class Zygote:
    """Serves one worker until its socket closes."""

    def __init__(self, control: socket.socket, engines: dict[str, Engine]) -> None:
        self._control = control
        self._engines = engines
        self._prices: dict[str, tuple[AdjustedPrices, ...]] = {}
        self._children: dict[int, int] = {}
        """Process id of each child that has not been reaped, by child id."""
        self._reader = FrameReader()
        self._pipes: list[int] = []
        self._prepared = False

    def serve(self) -> None:
        woken, wake = socket.socketpair()
        for end in (woken, wake):
            end.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is woken:
                        woken.recv(4096)
                    elif not self._receive():
                        return
                self._reap()

    def _receive(self) -> bool:
        data, pipes, _, _ = socket.recv_fds(self._control, 1 << 20, 16)
        self._pipes += pipes
        if not data:
            return False
        for message in self._reader.feed(data):
            self._obey(message)
        return True

    def _obey(self, message: Any) -> None:
        match message:
            case LoadPrices(key, series):
                self._prices[key] = series
                # Prices that the collector never touches stay shared between children.
                gc.collect()
                gc.freeze()
            case ForgetPrices(key):
                self._prices.pop(key, None)
            case StartChild():
                if message.plan is not None:
                    self._prepare()
                self._fork(message, self._pipes.pop(0))
            case KillChild(child_id):
                if child_id in self._children:
                    _kill(self._children[child_id])

    def _prepare(self) -> None:
        """What every child of a run in bulk needs, imported before the first; else they say why not."""
        prepare = getattr(self._engines.get(BULK), "prepare", None)
        if prepare is not None and not self._prepared:
            self._prepared = True
            with suppress(Exception):
                prepare()
            gc.collect()
            gc.freeze()

    def _fork(self, order: StartChild, pipe: int) -> None:
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(pipe)
            self._send(ChildEnded(order.child_id, -1, 0, f"no child could be started: {error}"))
            return
        if pid == 0:
            run_child(order, pipe, zygote, self._engines, self._prices.get(order.prices_key))
        os.close(pipe)
        self._children[order.child_id] = pid
        self._send(ChildStarted(order.child_id, pid))

    def _reap(self) -> None:
        for child_id, pid in list(self._children.items()):
            # WNOWAIT leaves the number taken, so that the group can be killed before anybody else gets it.
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill(pid)
            _, status = os.waitpid(pid, 0)
            del self._children[child_id]
            ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            self._send(ChildEnded(child_id, -1 if ended_by else os.WEXITSTATUS(status), ended_by))

    def _send(self, message: object) -> None:
        self._control.sendall(pack(message))


def _kill(pid: int) -> None:
    """Kill a child that has not been reaped, and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    # Before its setsid() the child has no group of its own.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    descriptor, worker = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(worker)
    # Nothing that is imported is garbage: to look for it takes a fifth of the time.
    gc.disable()
    control = socket.socket(fileno=descriptor)
    try:
        from runners.engines.registry import import_the_rest, load_engines
        from strategies.registry import StrategyError, broken_files, published_strategies

        try:
            strategies = tuple(published_strategies())
            broken = tuple(one.published() for one in broken_files())
        except StrategyError as error:
            control.sendall(pack(Ready((), (), str(error))))
            return
        engines = load_engines()
        control.sendall(pack(Ready(tuple(engines), strategies, broken=broken)))
        # While the worker registers and claims.
        import_the_rest()
        gc.collect()
        gc.freeze()
        gc.enable()
        Zygote(control, engines).serve()
    except (BrokenPipeError, ConnectionResetError):
        return


if __name__ == "__main__":
    main()
