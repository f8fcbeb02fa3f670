"""Ctrl-C and SIGTERM as counts that a loop looks at, instead of exceptions that land anywhere."""

from __future__ import annotations

import signal
import socket
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupts:
    """Within the context, SIGINT and SIGTERM are counted and wake whoever selects on this."""

    def __init__(self) -> None:
        self.interrupts = 0
        self.terminated = False
        self._previous: dict[signal.Signals, Any] = {}
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.setblocking(False)

    def fileno(self) -> int:
        return self._woken.fileno()

    def drain(self) -> None:
        """Make this unreadable again."""
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            return

    def _count(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGTERM:
            self.terminated = True
        else:
            self.interrupts += 1

    def __enter__(self) -> Self:
        self._previous_wakeup = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._count)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_wakeup)
        self._woken.close()
        self._wake.close()
