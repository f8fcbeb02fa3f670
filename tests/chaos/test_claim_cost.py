"""A claim reads a bounded number of pages, however much waits, has ended, or is kept by an old snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from testing.desks import Desk
from tests.chaos.arena import FIXTURES

pytestmark = pytest.mark.queue

ITEMS = [100_000, pytest.param(1_000_000, marks=pytest.mark.long)]
LIMIT = 10
POINTS = 900
# Measured: about 560 for ten items, of which 25 an item are the item, its index entries and its parameters.
PAGES = 900

Session = psycopg.Connection[Any]


@pytest.fixture
def session(fresh_desk: Desk) -> Iterator[Session]:
    with fresh_desk.connect("admin") as session:
        session.execute("set search_path = desk, analytics, tap")
        session.execute("set client_min_messages = warning")
        session.execute("create schema tap")
        session.execute(FIXTURES.read_bytes())
        session.execute("select tap.given_desk()")
        session.execute("select tap.given_runner()")
        session.execute(f"select tap.given_job({POINTS})".encode())
        session.execute("select advance_runs(1)")
        yield session


def fill(session: Session, items: int) -> None:
    """So many items that have ended, and as many that wait, all of the one run."""
    session.execute(
        "insert into work_items (optimization_run_id, first_ordinal, last_ordinal, state)"
        " select r.id, 1 + n %% %s, 1 + n %% %s, case when n <= %s then 'done' else 'waiting' end"
        " from optimization_runs as r, generate_series(1, 2 * %s::int) as n",
        (POINTS, POINTS, items, items),
    )
    session.execute("analyze work_items")


def pages_of(session: Session, call: str, rows: int = 1) -> int:
    """Pages that a call touches, in everything that it calls itself."""
    ((plans,),) = session.execute(f"explain (analyze, buffers, format json) {call}".encode()).fetchall()
    plan = plans[0]["Plan"]
    assert plan["Actual Rows"] == rows, json.dumps(plan)
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def claim_pages(session: Session) -> int:
    return pages_of(session, f"select * from claim_work(1, {LIMIT})", LIMIT)


@pytest.mark.parametrize("items", ITEMS)
def test_a_claim_costs_the_same_however_many_items_there_are(session: Session, items: int) -> None:
    fill(session, 1000)
    before = [claim_pages(session) for _ in range(8)]
    fill(session, items)
    after = [claim_pages(session) for _ in range(8)]
    print(f"\npages a claim of {LIMIT}: {before} with 2,000 items, {after} with {2 * items:,}")
    assert min(after) < PAGES
    assert min(after) < 1.5 * min(before)


@pytest.mark.parametrize("items", ITEMS)
def test_a_claim_costs_the_same_under_an_old_snapshot(session: Session, fresh_desk: Desk, items: int) -> None:
    fill(session, items)
    with fresh_desk.connect("admin", autocommit=False) as old:
        old.execute("set transaction isolation level repeatable read")
        old.execute("select count(*) from desk.jobs")
        first = [claim_pages(session) for _ in range(8)]
        # What so many claims leave behind: entries that the old snapshot keeps, and a mark that has moved on.
        session.execute(
            "with gone as ("
            "  update work_items set state = 'done' where id in ("
            "    select id from work_items where state = 'waiting' order by id limit %s) returning id)"
            " update run_progress set claim_from = (select max(id) + 1 from gone)",
            (items // 2,),
        )
        last = [claim_pages(session) for _ in range(8)]
        print(f"\npages a claim of {LIMIT}: {first} at first, {last} with {items // 2:,} claimed before")
        assert min(last) < PAGES
        assert min(last) < 1.5 * min(first)


def test_no_call_of_a_runner_scans_the_queue(session: Session) -> None:
    fill(session, 100_000)
    scans = "select seq_scan from pg_stat_user_tables where relname = 'work_items'"

    def scanned() -> int:
        session.execute("select pg_stat_force_next_flush()")
        session.execute("select pg_stat_clear_snapshot()")
        ((count,),) = session.execute(scans).fetchall()
        return int(count)

    before = scanned()
    for call in (
        "select * from claim_work(1, 5)",
        "select * from heartbeat(1, '[]', 1)",
        "select advance_runs(1)",
        "select reap_expired()",
        "select release_work(1)",
        "select * from claim_task(1)",
        "select open_work(1)",
        "select stop_runner(1)",
    ):
        session.execute(call.encode())
        assert scanned() == before, f"{call} reads the whole queue"


def test_a_run_closes_at_a_cost_that_grows_with_its_points_only(session: Session) -> None:
    """On a table that nobody has analyzed yet, as that of a desk whose first run has just ended."""
    session.execute("alter table full_results set (autovacuum_enabled = off)")
    session.execute("select tap.drain(1)")
    pages = []
    for points in (POINTS, 3 * POINTS):
        while count_results(session) < points:
            session.execute(COPIES.encode())
        pages.append(pages_of(session, "select count_trials(1)"))
    ((trials,),) = session.execute("select trials from run_statistics").fetchall()
    print(f"\npages to count the trials of {POINTS} points: {pages[0]}, of {3 * POINTS}: {pages[1]}")
    assert trials == 3 * POINTS
    assert pages[1] < 4 * pages[0]


def count_results(session: Session) -> int:
    ((count,),) = session.execute("select count(*) from backtest_results").fetchall()
    return int(count)


# As many more results like the first, each a trial of its own.
COPIES = f"""
insert into full_results overriding system value
select (jsonb_populate_record(b, jsonb_build_object(
  'id', nextval(pg_get_serial_sequence('desk.full_results', 'id')),
  'ordinal', b.ordinal + (select max(ordinal) from backtest_results),
  'provenance_hash', md5(random()::text), 'parameters_hash', md5(random()::text)))).*
from backtest_results as b where b.ordinal <= {POINTS}
"""
