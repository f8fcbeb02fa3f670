"""Every function of the queue against every other, each stopped in the middle by a third session.

The third session holds one row; the first call stops at it or runs through, the second runs into whatever the
first holds; then the row is let go. Nobody may be killed by a deadlock, and every point must be in its place.
Fast: each pair once, at the row of the strategy; long: both ways round, at three more rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest

from testing.desks import Desk
from tests.chaos.arena import FIXTURES
from tests.chaos.test_state_machine import BOOKS

pytestmark = pytest.mark.queue

Session = psycopg.Connection[Any]

# %(job)s and %(run)s are the job's; runner 1 holds the items of points 1 to 3 and the expired one of point 4,
# point 5 has failed, and the last points wait.
OF_POINT = "from work_items where optimization_run_id = %(run)s and first_ordinal = {0} order by id limit 1"
ITEM, TOKEN = f"(select id {OF_POINT})", f"(select token {OF_POINT})"
CALLS = {
    "claim": "select work_item_id from claim_work(2, 4)",
    "complete": f"select tap.complete({ITEM.format(1)}, {TOKEN.format(1)}, 1)",
    "complete the last": "select tap.complete(id, token, first_ordinal) from work_items"
    " where optimization_run_id = %(run)s and state = 'leased' order by id",
    "complete together": "select complete_work(array(select row(id, token, first_ordinal, tap.metrics(),"
    " null, null, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')::point_outcome from work_items"
    " where optimization_run_id = %(run)s and state = 'leased' order by id desc))",
    "complete and claim": "select word from complete_and_claim(array(select row(id, token, first_ordinal,"
    " tap.metrics(), null, null, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')::point_outcome"
    " from work_items where optimization_run_id = %(run)s and state = 'leased' and first_ordinal < 3), 1, 4)",
    "fail": f"select fail_work({ITEM.format(2)}, {TOKEN.format(2)}, 2, 'crash', 'why')",
    "heartbeat": "select reason from heartbeat(1, (select jsonb_agg(jsonb_build_object("
    "'work_item_id', id, 'token', token)) from work_items where optimization_run_id = %(run)s"
    " and state = 'leased' and first_ordinal < 3), 1)",
    "release": "select release_work(1)",
    "reap": "select reap_expired()",
    "advance": "select advance_runs(2)",
    "cancel": "select cancel_job(%(job)s)",
    "pause": "select pause_job(%(job)s)",
    "priority": "select set_priority(%(job)s, 5)",
    "retry": "select retry_job(%(job)s)",
    "rejudge": "select rejudge_run(%(run)s)",
    "close": "select tap.advance(2)",
}
HELD = {
    "strategy": "select from strategies for no key update",
    "job": "select from jobs where id = %(job)s for no key update",
    "item": "select from work_items where optimization_run_id = %(run)s and first_ordinal = 3 for update",
    "counters": "select from run_progress where optimization_run_id = %(run)s for update",
}


@pytest.fixture(scope="module")
def sessions(desk: Desk) -> Iterator[Callable[[int], Session]]:
    opened: dict[int, Session] = {}

    def session(number: int) -> Session:
        if number not in opened:
            opened[number] = desk.connect("admin")
            opened[number].execute("set search_path = desk, analytics, tap")
            opened[number].execute("set client_min_messages = warning")
        return opened[number]

    first = session(0)
    first.execute("create schema tap")
    first.execute(FIXTURES.read_bytes())
    first.execute("select tap.given_desk(), tap.given_runner(), tap.given_runner()")
    yield session
    for one in opened.values():
        one.close()


def given(session: Session, cash: int, only_leased: bool) -> dict[str, int]:
    """A job with work in every state."""
    session.execute("select cancel_job(id) from jobs where state in ('waiting', 'running', 'paused')")
    ((job,),) = session.execute(
        "select tap.given_job(%s, jsonb_build_object('cash', %s::int))", (5 if only_leased else 9, cash)
    ).fetchall()
    ((run,),) = session.execute("select tap.run_of(%s)", (job,)).fetchall()
    session.execute("select tap.advance(1)")
    session.execute(
        "with cut as (delete from work_items where optimization_run_id = %s)"
        " insert into work_items (optimization_run_id, first_ordinal, last_ordinal)"
        " select %s, n, n from run_progress as p, generate_series(1, p.total) as n"
        " where p.optimization_run_id = %s",
        (run, run, run),
    )
    session.execute("update run_progress set cut = total where optimization_run_id = %s", (run,))
    session.execute("select * from claim_work(1, 5)")
    session.execute(
        "select fail_work(id, token, 5, 'strategy', 'why') from work_items"
        " where optimization_run_id = %s and first_ordinal = 5",
        (run,),
    )
    session.execute(
        "update work_items set lease_until = now() - interval '1 s'"
        " where optimization_run_id = %s and first_ordinal = 4",
        (run,),
    )
    return {"job": job, "run": run}


def settled(watcher: Session, session: Session, done: Callable[[], bool]) -> None:
    """Returns when the session waits for a lock, or has its answer."""
    end = monotonic() + 10
    query = "select cardinality(pg_blocking_pids(%s)) > 0"
    while not done() and not watcher.execute(query, (session.info.backend_pid,)).fetchall()[0][0]:
        assert monotonic() < end
        sleep(0.002)


def ended_by(session: Session, call: str, names: dict[str, int]) -> str | None:
    """The SQLSTATE of the error that it ended with, if any."""
    try:
        session.execute(call.encode(), names)
    except psycopg.Error as error:
        return error.sqlstate
    return None


@pytest.mark.parametrize(
    "held", ["strategy", *(pytest.param(name, marks=pytest.mark.long) for name in list(HELD)[1:])]
)
@pytest.mark.parametrize("first", CALLS)
def test_no_two_calls_kill_each_other(sessions: Callable[[int], Session], first: str, held: str) -> None:
    watcher, holder, one, two = (sessions(number) for number in range(4))
    for place, second in enumerate(CALLS):
        if held == "strategy" and place < list(CALLS).index(first):
            continue
        cash = 1000 + 100 * list(CALLS).index(first) + place + 10_000 * list(HELD).index(held)
        names = given(watcher, cash, only_leased="the last" in first + second)
        holder.execute("begin")
        holder.execute(HELD[held].encode(), names)
        with ThreadPoolExecutor(2) as pool:
            calls = []
            for session, call in ((one, first), (two, second)):
                calls.append(pool.submit(ended_by, session, CALLS[call], names))
                settled(watcher, session, calls[-1].done)
            holder.execute("commit")
            endings = {call.result(timeout=20) for call in calls}
        # A job that is over meanwhile refuses to be changed, with a sentence.
        assert endings <= {None, "22023", "23514"}, f"{first} and {second}: {endings}"
        ((status, finished, failed, results, once),) = watcher.execute(BOOKS, (names["run"],)).fetchall()
        assert finished + failed == results, f"{first} and {second}"
        assert once or status in ("cancelled", "completed"), (
            f"{first} and {second}: points are lost or doubled"
        )
