"""What holds of a stop in figures: beside fifty connections that ask for orders as fast as they can, and a
client that sits in a transaction with the gate's lock, it waits for no lock, and nothing later is allowed.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg.errors import LockNotAvailable

from testing.accounts import Account, open_account, submit
from testing.desks import Desk

pytestmark = [pytest.mark.sql, pytest.mark.live]

CONNECTIONS = 50
MOST_BARE = 8
Connection = psycopg.Connection[Any]


@pytest.fixture
def account(fresh_desk: Desk) -> Iterator[Account]:
    with fresh_desk.connect("admin") as admin:
        admin.execute("create table desk.bare (id bigint generated always as identity, word text)")
        admin.execute("update desk.settings set value = '3600' where name = 'beat_seconds'")
        yield open_account(admin, limits={"repetition_seconds": 0})


class Crowd:
    """Connections that ask for orders; `stops` is odd while a stop holds."""

    def __init__(self, session: int) -> None:
        self.session, self.stops, self.over = session, 0, False
        self.allowed = self.refused = 0
        self.allowed_after: list[str] = []
        self._lock = threading.Lock()

    def work(self, one: Connection, number: int) -> None:
        turn = 0
        while not self.over:
            turn += 1
            key, before = f"{number}:{turn}", self.stops
            try:
                state = submit(one, self.session, key, "AAA", 1)[1]
            except LockNotAvailable:
                continue
            with self._lock:
                self.allowed += state == "allowed"
                self.refused += state == "refused"
                if before % 2 and self.stops == before and state == "allowed":
                    self.allowed_after.append(key)


def stop_beside_a_crowd(desk: Desk, account: Account, rounds: int) -> tuple[list[float], list[float], Crowd]:
    """Milliseconds of each stop and of a bare committed insert just before it."""
    crowd = Crowd(account.session())
    with ExitStack() as stack:
        opened = [stack.enter_context(desk.connect("admin")) for _ in range(CONNECTIONS)]
        director = stack.enter_context(desk.connect("director"))
        bare = stack.enter_context(desk.connect("admin"))
        hung = stack.enter_context(desk.connect("admin"))
        # What waits for a lock fails instead.
        director.execute("set lock_timeout = '1ms'")
        threads = [
            threading.Thread(target=crowd.work, args=(one, number)) for number, one in enumerate(opened)
        ]
        for thread in threads:
            thread.start()
        stops, inserts = [], []
        try:
            for number in range(rounds):
                time.sleep(0.05)
                if number % 2:
                    hung.execute("begin")
                    hung.execute("select from desk.accounts for update")
                began = time.perf_counter()
                bare.execute("insert into desk.bare (word) values ('x')")
                middle = time.perf_counter()
                director.execute("select desk.emergency_stop('drill')")
                stops.append(1000 * (time.perf_counter() - middle))
                inserts.append(1000 * (middle - began))
                crowd.stops += 1
                if number % 2:
                    hung.execute("rollback")
                time.sleep(0.05)
                sent = account.value(
                    "select count(*) from desk.take_orders(%s, %s, 10000)", account.name, account.link
                )
                assert sent == 0, "what was allowed and not sent is cancelled"
                crowd.stops += 1
                director.execute("select desk.resume_trading('next')")
        finally:
            crowd.over = True
            for thread in threads:
                thread.join()
    return stops, inserts, crowd


def check(found: tuple[list[float], list[float], Crowd]) -> None:
    stops, inserts, crowd = found
    stop, insert = statistics.median(stops), statistics.median(inserts)
    print(f"stop {stop:.1f} ms, bare insert {insert:.1f} ms: {stop / insert:.1f}")
    assert crowd.allowed > 0
    assert crowd.refused > 0
    assert crowd.allowed_after == []
    assert stop <= MOST_BARE * insert


def test_a_stop_waits_for_nothing(fresh_desk: Desk, account: Account) -> None:
    check(stop_beside_a_crowd(fresh_desk, account, 20))


@pytest.mark.long
def test_five_hundred_stops_wait_for_nothing(fresh_desk: Desk, account: Account) -> None:
    check(stop_beside_a_crowd(fresh_desk, account, int(os.environ.get("STOPS", "500"))))
