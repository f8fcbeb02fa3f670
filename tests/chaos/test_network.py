"""The network between runners and the server: silent without being closed, and gone."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from testing import desks
from testing.desks import Desk
from tests.chaos.arena import Arena, arena
from tests.chaos.proxy import Proxy

pytestmark = pytest.mark.queue

RUNNERS = 3


@pytest.fixture
def through(fresh_desk: Desk, tmp_path: Path, database_url: str | None) -> Iterator[tuple[Arena, Proxy]]:
    """Runners that reach the desk through a proxy; the test itself goes around it."""
    if database_url is not None:
        pytest.skip("the proxy is for the embedded server's socket")
    target = conninfo_to_dict(fresh_desk.conninfo("admin"))
    with tempfile.TemporaryDirectory(prefix="proxy-") as folder:
        proxy = Proxy(Path(folder), Path(str(target["host"])), int(str(target["port"])))
        login = make_conninfo(fresh_desk.conninfo("admin"), host=folder, password=password(fresh_desk))
        near = Desk(replace(fresh_desk.settings, database_url=login))
        with desks.environment(near.environment), arena(fresh_desk, tmp_path, runners=near) as place:
            yield place, proxy
        proxy.close()


def password(desk: Desk) -> str:
    """The password file names the server's own socket, so it does not help through the proxy."""
    target = conninfo_to_dict(desk.conninfo("admin"))
    for line in Path(str(target["passfile"])).read_text().splitlines():
        fields = line.split(":")
        if fields[-2:-1] == [str(target["user"])]:
            return fields[-1]
    return ""


@pytest.mark.parametrize(("times", "points"), [(5, 500), pytest.param(100, 10_000, marks=pytest.mark.long)])
def test_connections_that_go_silent_are_given_up(
    through: tuple[Arena, Proxy], times: int, points: int
) -> None:
    place, proxy = through
    run_id = place.queue(points)
    place.start(RUNNERS, seconds=0.008)
    # A runner whose very first connection goes silent ends, and says so: nothing is lost with it.
    place.connected(RUNNERS)
    swallowed = 0

    def swallow() -> None:
        nonlocal swallowed
        swallowed += proxy.swallow()

    place.while_running(run_id, times, swallow, pause=0.4)
    place.wait(run_id, seconds=120 + times)
    books = place.books(run_id)
    print(f"\n{swallowed} connections went silent; {books}")
    assert swallowed > 0
    books.check()
    assert "no answer for" in place.log()


def test_without_a_network_nothing_is_lost(through: tuple[Arena, Proxy]) -> None:
    place, proxy = through
    run_id = place.queue(600)
    place.start(RUNNERS, seconds=0.008)
    place.connected(RUNNERS)
    for _ in range(3):
        time.sleep(0.5)
        proxy.cut(True)
        time.sleep(0.5)
        proxy.cut(False)
    place.wait(run_id)
    place.books(run_id).check()
    assert "connected again" in place.log()


def test_a_runner_that_holds_nothing_ends_without_a_network(through: tuple[Arena, Proxy]) -> None:
    place, proxy = through
    run_id = place.queue(100)
    place.start(1)
    place.wait(run_id)
    proxy.cut(True)
    (pid,) = place.runners
    began = time.monotonic()
    while "the connection is lost" not in place.log():
        assert time.monotonic() - began < 20, place.log()
        time.sleep(0.05)
    os.kill(pid, signal.SIGINT)
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() - began < 40, place.log()
        time.sleep(0.05)
    assert "could not be given back" not in place.log()
