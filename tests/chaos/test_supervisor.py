"""The supervisor of trading: whatever is killed with -9, one process or all with the supervisor itself, what
should run runs again in a moment, and nothing twice."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from runners.live import supervisor
from runners.live.slots import Slot
from runners.live.supervisor import Supervisor

pytestmark = pytest.mark.live

NAMES = ("link-A", "session-1", "session-2")
RUNS = """
import os, sys, time
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(600)
"""
SUPERVISES = """
import sys
from pathlib import Path
from runners.live import supervisor
from tests.chaos.test_supervisor import commands
folder = Path(sys.argv[1])
# Each that is killed counts as one that has run for long.
supervisor.LOOK_SECONDS, supervisor.SETTLED_SECONDS = 0.05, 0.0
supervisor.Supervisor(folder, lambda: commands(folder), lambda *said: print(*said, flush=True), {}).run()
"""


def commands(folder: Path) -> dict[str, list[str]]:
    return {name: [sys.executable, "-S", "-c", RUNS, str(folder / f"{name}.begun")] for name in NAMES}


@pytest.fixture
def slots(tmp_path: Path) -> Iterator[dict[str, Slot]]:
    found = {name: Slot(tmp_path, name) for name in (*NAMES, "supervisor")}
    yield found
    for slot in (found["supervisor"], *found.values()):
        slot.signal(signal.SIGKILL)


def start(slots: dict[str, Slot]) -> None:
    folder = slots["supervisor"].folder
    command = [sys.executable, "-c", SUPERVISES, str(folder)]
    slots["supervisor"].start(command, os.environ | {"PYTHONPATH": str(Path.cwd())})


def running(slots: dict[str, Slot], but: dict[str, int | None] | None = None) -> dict[str, int | None]:
    """Processes by name, when all that should run does; not those of `but`."""
    until = time.monotonic() + 30
    while True:
        found = {name: slots[name].pid() for name in NAMES}
        if all(found.values()) and not set(found.values()) & set((but or {}).values()):
            return found
        assert time.monotonic() < until, f"{found} runs"
        time.sleep(0.02)


def begun(slots: dict[str, Slot]) -> list[int]:
    """Every process that ever began to work."""
    folder = slots["supervisor"].folder
    return [int(line) for name in NAMES for line in (folder / f"{name}.begun").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def kill_and_look(slots: dict[str, Slot], times: int, seed: int) -> None:
    draw = random.Random(seed)
    start(slots)
    found = running(slots)
    for _ in range(times):
        some = draw.choice(([draw.choice(NAMES)], [*NAMES], ["supervisor"], ["supervisor", *NAMES]))
        killed = {name: slots[name].signal(signal.SIGKILL) for name in some}
        if "supervisor" in some:
            while slots["supervisor"].pid() is not None:
                time.sleep(0.01)
            start(slots)
        found = running(slots, {name: pid for name, pid in killed.items() if name != "supervisor"})
    time.sleep(0.3)
    assert sorted(pid for pid in begun(slots) if alive(pid)) == sorted(pid or 0 for pid in found.values())


def test_what_is_killed_runs_again_and_nothing_twice(slots: dict[str, Slot]) -> None:
    kill_and_look(slots, 6, 1)


@pytest.mark.long
def test_what_is_killed_three_hundred_times_runs_again(slots: dict[str, Slot]) -> None:
    kill_and_look(slots, int(os.environ.get("SUPERVISOR_KILLS", "300")), 2)


def test_what_ends_at_once_is_tried_ever_later_and_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, str]] = []
    now = [0.0]
    monkeypatch.setattr("runners.live.supervisor.time.monotonic", lambda: now[0])
    commands = {"session-1": ["false"]}
    watching = Supervisor(
        tmp_path, lambda: commands, lambda name, event, *_: said.append((name, event)), os.environ
    )
    tries: list[float] = []
    while ("session-1", "gave up") not in said:
        before = len(said)
        watching.look()
        if said[before:] and said[-1][1] == "started":
            tries.append(now[0])
            one = watching._watched["session-1"].process
            assert one is not None
            one.wait()
        now[0] += 0.5
    waits = [round(later - sooner) for sooner, later in pairwise(tries)]
    assert len(tries) == supervisor.TOO_OFTEN
    assert waits == sorted(waits)
    assert waits[-1] == supervisor.LONGEST_WAIT
    watching.look()
    assert said[-1] == ("session-1", "gave up")
    watching.forget()
    watching.look()
    assert said[-1] == ("session-1", "started")
