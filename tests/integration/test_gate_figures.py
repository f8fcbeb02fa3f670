"""What holds of the gate in figures: a judgement stays as small as it was, a rate is never exceeded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from testing.accounts import Account, insist, open_account
from testing.desks import Desk
from testing.old_orders import buffers, fill

pytestmark = [pytest.mark.sql, pytest.mark.live]

CONNECTIONS = 50
TRIES = 10_000
RATE = 10
WORST = """
select max(n) from (
  select count(*) over (
    order by counted_at range between current row and interval '999999 microseconds' following) as n
  from desk.broker_orders where trading_session_id = %s and state <> 'refused') as w
"""


@pytest.fixture
def account(fresh_desk: Desk) -> Iterator[Account]:
    with fresh_desk.connect("admin") as admin:
        yield open_account(admin, limits={"max_orders_per_second": 1_000_000, "repetition_seconds": 0})


def test_a_judgement_touches_no_more_when_there_are_fifty_times_as_many_orders(account: Account) -> None:
    session = account.session()
    fill(account.admin, account.id, session, 1, 1_000)
    few = buffers(account.admin, session)
    fill(account.admin, account.id, session, 1_001, 50_000)
    # A level of each index at the most.
    assert buffers(account.admin, session) <= few + 12


def hammer(desk: Desk, session: int, connections: int, tries: int) -> list[str]:
    """Connections that ask as fast as they can; the states of all their orders."""
    with ExitStack() as stack:
        opened = [stack.enter_context(desk.connect("admin")) for _ in range(connections)]
        go = threading.Barrier(connections)

        def work(number: int) -> list[str]:
            one: psycopg.Connection[Any] = opened[number]
            go.wait()
            return [insist(one, session, f"{number}:{n}", "AAA", 1)[1] for n in range(tries // connections)]

        with ThreadPoolExecutor(connections) as pool:
            return [state for states in pool.map(work, range(connections)) for state in states]


@pytest.mark.long
def test_a_rate_is_never_exceeded_by_fifty_connections(fresh_desk: Desk, account: Account) -> None:
    account.limit("max_orders_per_second", RATE)
    account.admin.execute("update desk.settings set value = '3600' where name = 'beat_seconds'")
    session = account.session()
    states = hammer(fresh_desk, session, CONNECTIONS, TRIES)
    assert len(states) == TRIES
    assert account.value(WORST, session) == RATE


@pytest.mark.long
def test_it_is_exceeded_without_the_lock(fresh_desk: Desk, account: Account) -> None:
    """The test above can fail."""
    source: str = account.value(
        "select pg_get_functiondef('desk.judge_orders(desk.broker_orders[], uuid)'::regprocedure)"
    )
    assert source.count("for no key update of a") == 1
    account.admin.execute(source.replace("for no key update of a", "").encode())
    account.limit("max_orders_per_second", RATE)
    session = account.session()
    hammer(fresh_desk, session, CONNECTIONS, 1_000)
    assert account.value(WORST, session) > RATE
