"""Runners and the server die, stop and lose each other under load: every point is recorded exactly once.

The fast numbers run with `make test`, the long ones with `make test-long`. Each prints the books it closed
with; docs/reliability.md has them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runners.database import embedded
from runners.settings import Settings
from testing import desks
from testing.desks import Desk
from tests.chaos.arena import CLOCKS, Arena, Books, arena

pytestmark = pytest.mark.queue

RUNNERS = 4
SECONDS = 0.006
LEASE = float(CLOCKS["lease_seconds"])


def sizes(fast: tuple[int, int], long: tuple[int, int]) -> pytest.MarkDecorator:
    """How much is done to how many points."""
    return pytest.mark.parametrize(("times", "points"), [fast, pytest.param(*long, marks=pytest.mark.long)])


@pytest.fixture
def place(fresh_desk: Desk, tmp_path: Path) -> Iterator[Arena]:
    with arena(fresh_desk, tmp_path) as made:
        yield made


def report(name: str, times: int, seconds: float, books: Books) -> None:
    print(f"\n{name}: {times} times in {seconds:.0f} s; {books}")


@sizes((40, 1600), (1000, 50_000))
def test_runners_killed_at_random(place: Arena, times: int, points: int) -> None:
    run_id = place.queue(points)
    place.start(RUNNERS, seconds=SECONDS)

    def kill() -> None:
        place.kill(place.random.choice(place.runners))
        place.start(1, seconds=SECONDS)

    suffer(place, run_id, "kill -9", times, kill, pause=0.12)


@sizes((20, 800), (500, 20_000))
def test_runners_stopped_past_their_lease(place: Arena, times: int, points: int) -> None:
    run_id = place.queue(points)
    place.start(2 * RUNNERS, seconds=0.002)
    stopped: dict[int, float] = {}

    def stop() -> None:
        for pid in [pid for pid, since in stopped.items() if time.monotonic() - since > 1.5 * LEASE]:
            os.kill(pid, signal.SIGCONT)
            del stopped[pid]
        going = [pid for pid in place.runners if pid not in stopped]
        # Some must be left to take the work over.
        while len(going) <= 2:
            place.start(1, seconds=0.002)
            going.append(place.runners[-1])
        pid = place.random.choice(going)
        os.kill(pid, signal.SIGSTOP)
        stopped[pid] = time.monotonic()

    try:
        books = suffer(place, run_id, "SIGSTOP", times, stop, pause=0.12)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    # Those that wake up now find their claims gone, and change nothing any more.
    time.sleep(1.0)
    assert place.books(run_id).finished == books.finished


@sizes((80, 1200), (5000, 50_000))
def test_backends_terminated(place: Arena, times: int, points: int) -> None:
    run_id = place.queue(points)
    # Slow enough that a busy machine, on which a strike takes longer, has time for all of them.
    place.start(RUNNERS, seconds=2 * SECONDS)
    victims = (
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'chaos' and datname = current_database() order by random() limit 1"
    )
    admin = place.connect()

    def terminate() -> None:
        admin.execute(victims)

    suffer(place, run_id, "pg_terminate_backend", times, terminate, pause=0.06)
    admin.close()


@pytest.fixture
def own_server(tmp_path: Path, database_url: str | None) -> Iterator[Desk]:
    """A server that may be killed."""
    if database_url is not None:
        pytest.skip("the server of DATABASE_URL is not killed")
    with desks.server(None) as settings, desks.migrated(settings) as desk:
        with desk.connect("owner") as owner:
            owner.execute("update settings set value = '0' where name = 'pilot_points'")
        with desks.environment(desk.environment):
            yield desk


@sizes((3, 900), (50, 20_000))
@pytest.mark.parametrize("how", ["immediate", "kill -9"])
def test_the_server_dies_under_load(
    own_server: Desk, tmp_path: Path, times: int, points: int, how: str
) -> None:
    with arena(own_server, tmp_path) as place:
        run_id = place.queue(points)
        # Slow enough that an idle machine does not end the run before the last crash.
        place.start(RUNNERS, seconds=2 * SECONDS)
        recoveries: list[float] = []

        def crash() -> None:
            time.sleep(0.5)
            before = place.recorded(run_id)
            crash_server(own_server.settings, how)
            began = time.monotonic()
            embedded.start(own_server.settings)
            while place.recorded(run_id) == before and before < points:
                time.sleep(0.02)
                assert time.monotonic() - began < 30, place.log()
            recoveries.append(time.monotonic() - began)

        suffer(place, run_id, f"server {how}", times, crash, pause=0.3)
        print(f"work went on after {min(recoveries):.1f} to {max(recoveries):.1f} s")
        assert max(recoveries) < 10


def crash_server(settings: Settings, how: str) -> None:
    running = embedded.status(settings)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL if how == "kill -9" else signal.SIGQUIT)
    while Path(f"/proc/{running.pid}").exists():
        time.sleep(0.01)


def suffer(place: Arena, run_id: int, name: str, times: int, hurt: Callable[[], None], pause: float) -> Books:
    began = time.monotonic()
    done = place.while_running(run_id, times, hurt, pause)
    place.wait(run_id, seconds=60 + times)
    books = place.books(run_id)
    report(name, done, time.monotonic() - began, books)
    books.check()
    assert done == times, f"the run was over after {done} of {times}"
    return books
