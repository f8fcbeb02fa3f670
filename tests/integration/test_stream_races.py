"""Numbers of a session's stream are the order of its commits: a reader that goes by number misses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from testing.accounts import Account, open_account
from testing.desks import Desk
from testing.waiting import until

pytestmark = pytest.mark.sql

Connection = psycopg.Connection[Any]
APPEND = "select desk.append_stream(%s, 'late', null, jsonb_build_object('by', %s::text))"
READ = "select number, item ->> 'by' from desk.read_stream(%s::bigint, %s, %s)"
WITHOUT_LOCK = """
create sequence desk.numbers_without_lock;
create or replace function desk.next_in_stream(p_session_id bigint, p_count bigint)
returns bigint language sql volatile set search_path = desk, pg_temp
as $$ select nextval('desk.numbers_without_lock') $$;
"""


@pytest.fixture(scope="module")
def account(desk: Desk) -> Iterator[Account]:
    with desk.connect("admin") as admin:
        yield open_account(admin)


def read_beside_a_late_commit(desk: Desk, account: Account) -> list[str]:
    """One appends and commits late, another meanwhile: what a reader that goes by number was given."""
    session = account.session()
    given: list[str] = []
    after = 0

    def look() -> None:
        nonlocal after
        for number, by in reader.execute(READ, (session, account.tokens[session], after)):
            after = number
            given.append(by)

    with (
        desk.connect("admin") as late, desk.connect("admin") as other, desk.connect("trader") as reader,
        ThreadPoolExecutor(1) as threads,
    ):  # fmt: skip
        with late.transaction():
            late.execute(APPEND, (session, "late"))
            second = threads.submit(other.execute, APPEND, (session, "other"))
            waits = f"select cardinality(pg_blocking_pids({other.info.backend_pid})) > 0".encode()
            until(lambda: second.done() or account.admin.execute(waits).fetchone() == (True,))
            look()
        second.result(timeout=10)
        look()
    return given


def test_who_appends_later_waits_for_who_appended_first(desk: Desk, account: Account) -> None:
    assert read_beside_a_late_commit(desk, account) == ["late", "other"]


def test_numbers_without_the_lock_lose_an_item(fresh_desk: Desk) -> None:
    with fresh_desk.connect("admin") as admin:
        admin.execute(WITHOUT_LOCK.encode())
        assert read_beside_a_late_commit(fresh_desk, open_account(admin)) == ["other"]


def test_many_at_once_leave_no_gap(desk: Desk, account: Account) -> None:
    session = account.session()

    def append(number: int) -> None:
        with desk.connect("admin") as one:
            for _ in range(20):
                one.execute(APPEND, (session, str(number)))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(append, range(6)))
    found = account.value(
        "select array[min(number), max(number), count(*)] from desk.session_stream"
        " where trading_session_id = %s",
        session,
    )
    assert found == [1, 120, 120]
