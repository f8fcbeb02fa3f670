"""The gate with real connections: every two of submit, cancel, halt, record, take at once; many at once.

A third session holds a row, so that each of the two calls stops there or passes it; then the row is let go.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as finished
from contextlib import ExitStack
from itertools import product
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
from psycopg.errors import ActiveSqlTransaction

from testing.accounts import Account, open_account, submit
from testing.desks import Desk

pytestmark = pytest.mark.sql

Connection = psycopg.Connection[Any]
HELD = {
    "account": "select from desk.accounts where id = {account} for update",
    "sent": "select from desk.broker_orders where trading_session_id = {session} and key = 'a:1' for update",
    "unsent": (
        "select from desk.broker_orders where trading_session_id = {session} and key = 'a:2' for update"
    ),
}
CALLS = ("submit", "cancel sent", "cancel unsent", "halt", "record", "take")
WAITS = {
    "submit": {"account"},
    "record": {"account", "sent"},
    "cancel sent": {"sent"},
    "cancel unsent": {"unsent"},
    "halt": set[str](),
    "take": set[str](),
}
"""Whose row a call waits for: a stop for nobody's, a cancel for no account's."""
CASES = [
    (first, second, held)
    for first, second, held in product(CALLS, CALLS, HELD)
    if held == "account" or held in WAITS[first] | WAITS[second]
]
"""Every two in either order, each at the rows at which one of them stops."""


@pytest.fixture(scope="module")
def account(desk: Desk) -> Iterator[Account]:
    with desk.connect("admin") as admin:
        yield open_account(admin)


@pytest.fixture(scope="module")
def connections(desk: Desk) -> Iterator[list[Connection]]:
    with ExitStack() as stack:
        yield [stack.enter_context(desk.connect("admin")) for _ in range(12)]


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as threads:
        yield threads


def call(account: Account, session: int, name: str, connection: Connection) -> Any:
    def value(statement: str, *values: object) -> Any:
        return [row[0] for row in connection.execute(statement.encode(), values)]

    if name == "submit":
        return submit(connection, session, "a:3", "AAA", 3)
    if name == "halt":
        return value("select desk.emergency_stop('drill', %s)", account.name)
    if name == "take":
        return value("select key from desk.take_orders(%s, %s)", account.name, account.link)
    if name == "record":
        return value(
            "select desk.record_execution(%s, %s, %s, 1, o.id, 'AAA', 1, 100, now(), 1)"
            " from desk.broker_orders as o where o.trading_session_id = %s and o.key = 'a:1'",
            account.name, account.link, f"x{session}", session,
        )  # fmt: skip
    key = "a:1" if name == "cancel sent" else "a:2"
    return value("select desk.request_cancel(%s::bigint, %s)", session, key)


@pytest.mark.parametrize(("first", "second", "held"), CASES)
def test_every_two_at_once(
    account: Account,
    connections: list[Connection],
    pool: ThreadPoolExecutor,
    first: str,
    second: str,
    held: str,
) -> None:
    one, two, holder = connections[:3]
    account.admin.execute("select desk.resume_trading('next', %s)", (account.name,))
    account.alive()
    session = account.session()
    submit(one, session, "a:1", "AAA", 1)
    call(account, session, "take", one)
    submit(one, session, "a:2", "AAA", 2)

    calls = []
    with holder.transaction(force_rollback=True):
        holder.execute(HELD[held].format(account=account.id, session=session).encode())
        for turn, (name, connection) in enumerate(((first, one), (second, two))):
            future = pool.submit(call, account, session, name, connection)
            calls.append((name, future))
            behind = turn == 1 and held in WAITS[first] and {first, second} <= {"submit", "record"}
            if held in WAITS[name] or behind:
                wait_for_lock(account.admin, connection)
            else:
                future.result(timeout=1.5)
    answers = [(name, future.result(timeout=10)) for name, future in calls]

    orders: dict[str, tuple[Any, ...]] = {
        row[0]: row[1:]
        for row in account.admin.execute(
            "select key, state, filled, rule, cancel_asked_at is not null from desk.broker_orders"
            " where trading_session_id = %s",
            (session,),
        )
    }
    said = [name for name, _ in answers]
    taken = [key for name, answer in answers if name == "take" for key in answer]
    assert sorted(taken) == sorted(set(taken)), "nothing is sent twice"
    assert (orders["a:2"][0] == "sending") == ("a:2" in taken), "what is taken is sent, and nothing else"
    recorded = [answer for name, answer in answers if name == "record"]
    assert recorded in ([], [["recorded"]], [["recorded"], ["known"]], [["known"], ["recorded"]])
    assert orders["a:1"][0] == ("filled" if recorded else "sending")
    assert orders["a:1"][3] == (
        "cancel sent" in said and (not recorded or said[0] != "record" or held == "account")
    )
    ledger = account.value("select cash from desk.session_ledgers where trading_session_id = %s", session)
    assert ledger == (100_000 - 101 if recorded else 100_000)
    if "a:3" in orders:
        # A gate that waits for its lock sees what was set meanwhile.
        halted = "halt" in said and (said[0] == "halt" or held == "account")
        assert orders["a:3"][1:3] == (0, "halted" if halted else None)
    if said == ["halt", "take"] and held != "unsent":
        assert orders["a:2"][0] == "cancelled", "the sender reads halts again"


def wait_for_lock(watcher: Connection, connection: Connection) -> None:
    end = monotonic() + 1.5
    waits = f"select cardinality(pg_blocking_pids({connection.info.backend_pid})) > 0".encode()
    while watcher.execute(waits).fetchone() != (True,):
        assert monotonic() < end, "the call does not wait"
        sleep(0.002)


def at_once(
    pool: ThreadPoolExecutor, connections: list[Connection], work: Callable[[int, Connection], list[Any]]
) -> list[Any]:
    """What every connection's work answers, all begun together."""
    go = threading.Barrier(len(connections))

    def run(number: int) -> list[Any]:
        go.wait()
        return work(number, connections[number])

    futures: list[Future[list[Any]]] = [pool.submit(run, number) for number in range(len(connections))]
    finished(futures, timeout=120)
    return [answer for future in futures for answer in future.result()]


@pytest.fixture
def session(account: Account) -> int:
    account.admin.execute("select desk.resume_trading('next', %s)", (account.name,))
    account.alive()
    return account.session()


def test_one_key_is_one_order_however_often_and_at_once(
    account: Account, connections: list[Connection], pool: ThreadPoolExecutor, session: int
) -> None:
    answers = at_once(
        pool, connections, lambda _, one: [submit(one, session, f"k:{n}", "AAA", 1) for n in range(10)]
    )
    assert len(answers) == 120
    assert len(set(answers)) == 10
    count = account.value("select count(*) from desk.broker_orders where trading_session_id = %s", session)
    assert count == 10


def test_a_rate_is_kept_in_every_second(
    account: Account, connections: list[Connection], pool: ThreadPoolExecutor, session: int
) -> None:
    end = monotonic() + 2.2

    def work(number: int, one: Connection) -> list[Any]:
        answers: list[Any] = []
        while monotonic() < end:
            answers.append(submit(one, session, f"{number}:{len(answers)}", "AAA", 1)[1:])
        return answers

    account.limit("max_orders_per_second", 5)
    try:
        answers = at_once(pool, connections, work)
    finally:
        account.limit("max_orders_per_second", None)
    assert {*answers} == {("allowed", None), ("refused", "account max_orders_per_second")}
    assert most_in_a_second(account.admin, session) == 5


def most_in_a_second(admin: Connection, session: int) -> int:
    row = admin.execute(
        "select max(n) from (select count(*) over (order by counted_at range between current row and"
        " interval '999999 microseconds' following) as n from desk.broker_orders"
        " where trading_session_id = %s and state <> 'refused') as w",
        (session,),
    ).fetchone()
    return int(row[0]) if row else 0


def test_a_position_limit_is_kept_by_many_at_once(
    account: Account, connections: list[Connection], pool: ThreadPoolExecutor, session: int
) -> None:
    account.limit("max_position_shares", 100, of_account=False)
    try:
        answers = at_once(
            pool, connections, lambda i, one: [submit(one, session, f"{i}:{n}", "BBB", 7) for n in range(3)]
        )
    finally:
        account.limit("max_position_shares", None, of_account=False)
    assert [state for _, state, _ in answers].count("allowed") == 14


def test_many_report_the_same_fills_and_each_is_recorded_once(
    account: Account, connections: list[Connection], pool: ThreadPoolExecutor, session: int
) -> None:
    order, _, _ = submit(account.admin, session, "f:1", "CCC", 20)
    account.value("select count(*) from desk.take_orders(%s, %s, 1000)", account.name, account.link)

    def report(_: int, one: Connection) -> list[Any]:
        statement = b"select desk.record_execution(%s, %s, %s, 1, %s::bigint, 'CCC', 1, 100, now(), 0)"
        return [
            one.execute(statement, (account.name, account.link, f"{session}:{n}", order)).fetchone()
            for n in range(20)
        ]

    answers = at_once(pool, connections, report)
    assert answers.count(("recorded",)) == 20
    assert account.value("select quantity from desk.positions where trading_session_id = %s", session) == 20


def test_a_stop_waits_for_nobody_and_nothing_is_allowed_after_it(
    account: Account, connections: list[Connection], pool: ThreadPoolExecutor, session: int
) -> None:
    stopped = threading.Event()

    def work(number: int, one: Connection) -> list[tuple[bool, str]]:
        if number == 0:
            sleep(0.2)
            one.execute("select desk.emergency_stop('drill', %s)", (account.name,))
            stopped.set()
            return []
        told = []
        for n in range(400):
            begun_after = stopped.is_set()
            told.append((begun_after, submit(one, session, f"{number}:{n}", "AAA", 1)[1]))
            if len([1 for after, _ in told if after]) > 2:
                break
        return told

    answers = at_once(pool, connections, work)
    assert (False, "allowed") in answers
    assert [state for after, state in answers if after] == ["refused"] * 3 * 11
    sent = account.value("select count(*) from desk.take_orders(%s, %s)", account.name, account.link)
    assert sent == 0, "what was allowed and not sent is cancelled"


def test_a_stop_beside_a_client_that_hangs_with_the_gate(
    desk: Desk, account: Account, connections: list[Connection], session: int
) -> None:
    hung, other = connections[:2]
    submit(other, session, "h:1", "AAA", 1)
    hung.execute("begin")
    hung.execute("select from desk.accounts for update")
    hung.execute("select from desk.trading_sessions for update")
    with desk.connect("director") as director, desk.connect("trader") as trader:
        # One that waited would fail instead.
        director.execute("set lock_timeout = '200ms'")
        trader.execute("set lock_timeout = '200ms'")
        director.execute("select desk.emergency_stop('hung client')")
        assert trader.execute("select desk.request_cancel(%s::bigint, 'h:1')", (session,)).fetchone() == (
            "cancelled",
        )
        with pytest.raises(psycopg.errors.LockNotAvailable):
            submit(other, session, "h:2", "AAA", 1)
        hung.execute("rollback")
        assert submit(other, session, "h:2", "AAA", 1)[2] == "halted"
        director.execute("select desk.resume_trading('it hung')")
    assert submit(other, session, "h:3", "AAA", 1)[1] == "allowed"


def test_an_order_wants_a_statement_of_its_own(desk: Desk, account: Account, session: int) -> None:
    def count() -> int:
        query = "select count(*) from desk.broker_orders where trading_session_id = %s"
        return int(account.value(query, session))

    with desk.connect("trader", autocommit=False) as trader:
        # Sent as parse and bind, where only the commit can tell whose transaction it is.
        assert submit(trader, session, "t:1", "AAA", 1)[1] == "allowed"
        with pytest.raises(ActiveSqlTransaction, match=r"^An order is asked for in a statement of its own"):
            trader.commit()
        trader.rollback()
        # Refused at once where its transaction has been open for more than an instant.
        trader.execute("select pg_sleep(0.01)")
        with pytest.raises(ActiveSqlTransaction):
            trader.execute(f"select desk.submit_order({session}, 't:2', 'AAA', 1)".encode())
        trader.rollback()
        trader.execute("set transaction isolation level repeatable read")
        with pytest.raises(ActiveSqlTransaction, match="READ COMMITTED, not in REPEATABLE READ"):
            submit(trader, session, "t:3", "AAA", 1)
    with desk.connect("trader") as trader:
        statement = f"select desk.submit_order({session}, %s, 'AAA', 1)".encode()
        with pytest.raises(ActiveSqlTransaction), trader.transaction():
            trader.cursor().executemany(statement, [("t:4",), ("t:5",)])
        assert count() == 0
        for prepare in range(8):
            # Whatever the driver makes of it.
            assert submit(trader, session, f"t:{prepare + 6}", "AAA", 1)[1] == "allowed"
        trader.execute(f"select desk.submit_order({session}, 't:99', 'AAA', 1)".encode())
    assert count() == 9


def test_a_process_that_another_has_replaced_is_refused(desk: Desk, account: Account, session: int) -> None:
    old = account.tokens[session]
    with desk.connect("trader") as trader:
        row = trader.execute(
            "select desk.begin_strategy(%s::bigint, %s, 'other', 3)", (session, "a" * 64)
        ).fetchone()
        assert row is not None
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=r"^Another process runs"):
            submit(trader, session, "n:1", "AAA", 1, token=old)
        assert submit(trader, session, "n:1", "AAA", 1, token=row[0])[1] == "allowed"
