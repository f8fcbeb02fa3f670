"""Keeps what should run running: started detached, found again after its own end, restarted ever later.

What should run, SQL says. A process that is killed is started again at once, then after 1, 2, 4 ... seconds;
one that ends TOO_OFTEN times without having run for a minute is given up, loudly.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from runners.database.connection import connect
from runners.live.asking import rows
from runners.live.slots import Slot
from runners.reporting import exit_codes
from runners.settings import Settings

LOOK_SECONDS = 1.0
SETTLED_SECONDS = 60.0
LONGEST_WAIT = 60.0
TOO_OFTEN = 10
END_SECONDS = 30.0
SUPERVISOR = "supervisor"

WANTED = """
select name, kind, account, trading_session_id from desk.desired_processes where wanted
order by kind, trading_session_id, name
"""
REPORT = "select desk.report_process(%s, %s, %s, %s::integer, %s::integer)"
Report = Callable[[str, str, int | None, int | None], None]
"""Name, event, pid, exit code."""


@dataclass
class Watched:
    """A process as its supervisor knows it."""

    slot: Slot
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    failures: int = 0
    next_try: float = 0.0
    given_up: bool = False
    seen: int | None = None


class Supervisor:
    """`wanted` answers commands by name, in the order of their starts; None where nobody knows now."""

    def __init__(
        self,
        folder: Path,
        wanted: Callable[[], Mapping[str, Sequence[str]] | None],
        report: Report,
        environment: Mapping[str, str],
    ) -> None:
        self._folder, self._wanted, self._report, self._environment = folder, wanted, report, environment
        self._watched: dict[str, Watched] = {}
        self._stop = threading.Event()

    def stop(self) -> None:
        self._stop.set()

    def forget(self) -> None:
        """What was given up is tried again."""
        for one in self._watched.values():
            one.failures, one.next_try, one.given_up = 0, 0.0, False

    def run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(LOOK_SECONDS)
        self.end()

    def look(self) -> None:
        """Once: what ended is noticed, what is missing started, what is not wanted any more stopped."""
        wanted = self._wanted()
        if wanted is None:
            # Without the database nothing is known of what should run: what runs goes on.
            return
        for name, command in wanted.items():
            one = self._watched.setdefault(name, Watched(Slot(self._folder, name)))
            self._keep(name, one, command)
        for name in [name for name in self._watched if name not in wanted]:
            self._end([self._watched.pop(name)])

    def _keep(self, name: str, one: Watched, command: Sequence[str]) -> None:
        now = time.monotonic()
        if one.process is not None and (code := one.process.poll()) is not None:
            one.failures = 0 if now - one.began > SETTLED_SECONDS else one.failures + 1
            one.next_try = now + (min(LONGEST_WAIT, 2.0 ** (one.failures - 2)) if one.failures > 1 else 0)
            self._report(name, "ended", one.process.pid, code)
            one.process, one.seen = None, None
            if one.failures >= TOO_OFTEN:
                one.given_up = True
                self._report(name, "gave up", None, code)
        if one.given_up or now < one.next_try:
            return
        if (pid := one.slot.pid()) is not None:
            if one.process is None and one.seen != pid:
                one.seen = pid
                self._report(name, "found", pid, None)
            return
        if one.process is None:
            one.process = one.slot.start(command, self._environment)
            if one.process is not None:
                one.began, one.seen = now, one.process.pid
                self._report(name, "started", one.process.pid, None)

    def end(self) -> None:
        """Strategies first, so that none decides any more, then the links that carry what they asked for."""
        found = [*self._watched.values()]
        links = [one for one in found if one.slot.name.startswith("link")]
        self._end([one for one in found if one not in links])
        self._end(links)

    def _end(self, some: Sequence[Watched]) -> None:
        until = time.monotonic() + END_SECONDS
        for one in some:
            one.slot.signal(signal.SIGTERM)
        for one in some:
            while (pid := one.slot.pid()) is not None:
                if one.process is not None:
                    one.process.poll()
                if time.monotonic() > until:
                    one.slot.signal(signal.SIGKILL)
                time.sleep(0.05)
            self._report(one.slot.name, "stopped", pid, None)


class FromDesk:
    """Asks the desk what should run, and tells it what becomes of that; goes on while it is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._director: psycopg.Connection[tuple[object, ...]] | None = None

    def wanted(self) -> Mapping[str, Sequence[str]] | None:
        from runners.live.starting import link_command, session_command

        try:
            found = rows(self._connected(), WANTED)
        except psycopg.Error as error:
            print(f"the desk does not answer: {str(error).splitlines()[0]}", flush=True)
            self._director = None
            return None
        return {
            name: link_command(account) if kind == "link" else session_command(session)
            for name, kind, account, session in found
        }

    def report(self, name: str, event: str, pid: int | None, code: int | None) -> None:
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {name}: {event} {pid or ''} {code or ''}", flush=True)
        try:
            rows(self._connected(), REPORT, name, event, socket.gethostname(), pid, code)
        except psycopg.Error:
            self._director = None

    def _connected(self) -> psycopg.Connection[tuple[object, ...]]:
        if self._director is None:
            self._director = connect("director", settings=self._settings, application_name="supervisor")
        return self._director


def command() -> list[str]:
    return [sys.executable, "-m", "runners.live.supervisor"]


def folder_of(settings: Settings) -> Path:
    return settings.home / "live"


def main() -> None:
    with exit_codes():
        settings = Settings.from_environment()
        desk = FromDesk(settings)
        supervisor = Supervisor(folder_of(settings), desk.wanted, desk.report, os.environ)
        signal.signal(signal.SIGTERM, lambda *_: supervisor.stop())
        signal.signal(signal.SIGINT, lambda *_: supervisor.stop())
        signal.signal(signal.SIGHUP, lambda *_: supervisor.forget())
        supervisor.run()


if __name__ == "__main__":
    main()
