"""A runner that is held in readiness: it does nothing unasked, and nothing of it is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from runners.jobs.own_runner import OwnRunner
from testing.desks import Desk
from testing.waiting import until

HOLDER = """
import time
from runners.jobs.own_runner import OwnRunner
from runners.settings import Settings
with OwnRunner(Settings.from_environment()):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module", autouse=True)
def strategies(desk: Desk) -> None:
    desk.publish_strategies()


def registered(desk: Desk) -> int:
    with desk.connect("admin") as admin:
        row = admin.execute("select count(*) from desk.runners").fetchone()
    assert row is not None
    return int(row[0])


def children(pid: int) -> list[int]:
    """By each process's own word; the kernel's list of children may miss some while others come and go."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # The name, in parentheses, may hold anything.
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(status.parent.name))
    return found


@contextmanager
def ready(desk: Desk) -> Iterator[tuple[OwnRunner, list[int]]]:
    """A runner that has its zygote, and the processes of both."""
    with OwnRunner(desk.settings, processes=1) as runner:
        (pid,) = [child for child in children(os.getpid()) if "-m runners.worker " in command(child)]
        until(lambda: bool(children(pid)))
        yield runner, [pid, *children(pid)]


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}/exe").exists() for pid in pids)


def test_who_is_not_needed_leaves_nothing(desk: Desk) -> None:
    before = registered(desk)
    with ready(desk) as (_, pids):
        pass
    until(lambda: gone(pids))
    assert registered(desk) == before


def test_it_works_from_its_begin_on(desk: Desk) -> None:
    before = registered(desk)
    with ready(desk) as (runner, pids):
        assert registered(desk) == before
        runner.begin()
        until(lambda: runner.ended() is not None)
        assert runner.ended() == 0
    assert registered(desk) == before + 1
    until(lambda: gone(pids))


def test_it_ends_with_who_holds_it(desk: Desk) -> None:
    environment = {**os.environ, **desk.environment}
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], env=environment, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    pids = children(holder.pid)
    assert pids
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    until(lambda: gone(pids))


def test_what_it_said_is_told_when_it_fails(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKDESK_STRATEGIES", str(tmp_path / "nowhere"))
    with OwnRunner(desk.settings, processes=1) as runner:
        runner.begin()
        until(lambda: runner.ended() is not None)
        assert runner.ended() == 1
        failure = runner.failure()
    assert failure.message == "the runner ended with code 1"
    assert failure.detail is not None
    assert "which is no folder" in failure.detail
