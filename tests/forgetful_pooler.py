"""A stand-in for a pooler that takes a connection's `options` and passes everything else on."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path


class ForgetfulPooler:
    """Listens in `folder` like a PostgreSQL server; `forgets` says whether it drops `options` just now."""

    def __init__(self, folder: Path, server: Path, port: int) -> None:
        self.forgets = True
        self._server = str(server / f".s.PGSQL.{port}")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{port}"))
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        far.connect(self._server)
        (length,) = struct.unpack("!i", near.recv(4, socket.MSG_WAITALL))
        packet = near.recv(length - 4, socket.MSG_WAITALL)
        (protocol,) = struct.unpack("!i", packet[:4])
        # A request to cancel is no beginning of a session.
        if self.forgets and protocol >> 16 == 3:
            words = packet[4:].split(b"\0")
            pairs = [
                one for one in zip(words[::2], words[1::2], strict=False) if one[0] not in (b"", b"options")
            ]
            packet = packet[:4] + b"".join(b"%s\0%s\0" % one for one in pairs) + b"\0"
        far.sendall(struct.pack("!i", len(packet) + 4) + packet)
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
