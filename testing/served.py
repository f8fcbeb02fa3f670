"""Processes of a desk as a person starts them: `backdesk app` on a free port, and `backdesk work`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

from testing import PROJECT_ROOT

START_SECONDS = 60.0
STOP_SECONDS = 15.0


@contextmanager
def app(environment: Mapping[str, str]) -> Iterator[str]:
    """The app's address, once it answers."""
    port = _free_port()
    address = f"http://localhost:{port}"
    with _command(environment, "app", "--port", str(port)) as (process, said):
        until = time.monotonic() + START_SECONDS
        while not _healthy(address):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"backdesk app did not come up:\n{said()}")
            time.sleep(0.1)
        yield address


@contextmanager
def runner(environment: Mapping[str, str], processes: int = 1) -> Iterator[None]:
    """A runner that works for as long as the block takes."""
    with _command(environment, "work", "--processes", str(processes)):
        yield


@contextmanager
def _command(
    environment: Mapping[str, str], *words: str
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "runners.cli", *words],
            cwd=PROJECT_ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )

        def said() -> str:
            output.seek(0)
            return output.read()

        try:
            yield process, said
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _healthy(address: str) -> bool:
    try:
        with urlopen(f"{address}/_stcore/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
