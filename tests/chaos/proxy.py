"""A proxy between runners and the server that can go deaf: it takes bytes and passes nothing on."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path


class Proxy:
    """Listens in `folder` like a PostgreSQL server; connections that were open at `swallow()` are never heard
    of again, though they stay open, and later ones work."""

    def __init__(self, folder: Path, server: Path, port: int) -> None:
        self._server = str(server / f".s.PGSQL.{port}")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{port}"))
        self._listener.listen(64)
        self._open: list[tuple[socket.socket, socket.socket, threading.Event]] = []
        self._cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> int:
        """Go deaf on all connections; how many there were."""
        deaf = [one for one in self._open if not one[2].is_set()]
        for _, _, event in deaf:
            event.set()
        return len(deaf)

    def cut(self, off: bool) -> None:
        """The network is gone: open connections break, new ones are refused, until it is back."""
        self._cut = off
        if off:
            for near, far, _ in self._open:
                for end in (near, far):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut(True)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._cut:
                near.close()
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._server)
            deaf = threading.Event()
            self._open.append((near, far, deaf))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, target, deaf), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, deaf: threading.Event) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if not deaf.is_set():
                target.sendall(data)
        if not deaf.is_set():
            target.shutdown(socket.SHUT_WR)
