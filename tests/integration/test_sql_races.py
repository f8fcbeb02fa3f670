"""Two sessions at once on real connections: whatever their order, the books are right and nobody is killed.

Each test holds one session in the middle of its transaction and lets the other run into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest

from testing.desks import Desk

pytestmark = pytest.mark.sql

FIXTURES = Path(__file__).resolve().parents[1] / "pgtap" / "fixtures.sql"
Session = psycopg.Connection[Any]


@pytest.fixture
def opened(fresh_desk: Desk) -> Iterator[Callable[[], Session]]:
    """Opens sessions as the installing login, on a desk with strategies, prices and one runner."""
    sessions: list[Session] = []

    def open_session() -> Session:
        session = fresh_desk.connect("admin")
        session.execute("set search_path = desk, analytics, tap")
        session.execute("set client_min_messages = warning")
        sessions.append(session)
        return session

    first = open_session()
    first.execute("create schema tap")
    first.execute(FIXTURES.read_bytes())
    first.execute("select tap.given_desk()")
    first.execute("select tap.given_runner()")
    yield open_session
    for session in sessions:
        session.close()


@contextmanager
def meanwhile() -> Iterator[Callable[[Session, str], Future[list[Any]]]]:
    """Runs statements in other threads; the answer comes when what they wait for is over."""
    with ThreadPoolExecutor() as pool:
        yield lambda session, statement: pool.submit(lambda: rows(session, statement))


def rows(session: Session, statement: str) -> list[Any]:
    return session.execute(statement.encode()).fetchall()


def value(session: Session, statement: str) -> Any:
    [(found,)] = rows(session, statement)
    return found


def wait_until_waiting(watcher: Session, session: Session) -> None:
    """Returns when `session` waits for a lock."""
    end = monotonic() + 10
    while not value(watcher, f"select cardinality(pg_blocking_pids({session.info.backend_pid})) > 0"):
        assert monotonic() < end, "the session does not wait"
        sleep(0.005)


def claimed(session: Session, limit: int) -> list[tuple[Any, ...]]:
    session.execute("select advance_runs(1)")
    return rows(session, f"select work_item_id, token, ordinals[1] from claim_work(1, {limit}) order by 1")


def complete(item: tuple[Any, ...]) -> str:
    return "select tap.complete({}, '{}', {})".format(*item)


def test_two_claimers_never_get_the_same_point(opened: Callable[[], Session]) -> None:
    watcher = opened()
    watcher.execute("select tap.given_job(400)")

    def work(session: Session) -> list[int]:
        found: list[int] = []
        for _ in range(200):
            session.execute("select advance_runs(1)")
            got = rows(session, "select unnest(ordinals) from claim_work(1, 3)")
            found += [ordinal for (ordinal,) in got]
        return found

    with ThreadPoolExecutor() as pool:
        found = [*pool.map(work, [opened() for _ in range(3)])]
    points = sorted(point for one in found for point in one)
    assert points == list(range(1, 401))


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_of_two_identical_jobs_one_is_accepted(opened: Callable[[], Session], end: str) -> None:
    watcher, one, two = opened(), opened(), opened()
    insert = (
        "insert into jobs (strategy, config) values ('sma_crossover', '{\"symbols\": \"AAPL\"}') returning id"
    )
    one.execute("begin")
    [(job,)] = rows(one, insert)
    with meanwhile() as run:
        second = run(two, insert)
        wait_until_waiting(watcher, two)
        one.execute(end)
        if end == "commit":
            with pytest.raises(
                psycopg.errors.UniqueViolation, match=f"^Job {job} is identical and not over yet"
            ):
                second.result(timeout=10)
        else:
            assert second.result(timeout=10)
    assert value(watcher, "select count(*) from jobs") == 1
    assert value(watcher, "select count(*) from optimization_runs") == 1


def test_two_last_points_close_the_run_once(opened: Callable[[], Session]) -> None:
    watcher, one, two = opened(), opened(), opened()
    watcher.execute("select tap.given_job(2)")
    first, second = claimed(watcher, 2)
    one.execute("begin")
    assert value(one, complete(first)) == "recorded"
    with meanwhile() as run:
        other = run(two, complete(second))
        wait_until_waiting(watcher, two)
        one.execute("commit")
        assert other.result(timeout=10) == [("recorded",)]
    assert value(watcher, "select finished from run_progress") == 2
    one.execute("begin")
    assert value(one, "select advance_runs(1)") == 1
    assert value(two, "select advance_runs(1)") == 0, (
        "who comes second passes over a run that is looked after"
    )
    one.execute("commit")
    assert value(two, "select advance_runs(1)") == 0
    closings = "select count(*) from job_events where event = 'run' and to_state = 'completed'"
    assert value(watcher, closings) == 1
    assert rows(watcher, "select state, summary from jobs") == [
        ("done", "2 runs complete, 2 passed, best Sharpe: 0.6")
    ]


def test_two_sessions_that_advance_cut_no_work_twice(opened: Callable[[], Session]) -> None:
    watcher, one, two = opened(), opened(), opened()
    watcher.execute("select tap.given_job(40)")
    one.execute("begin")
    assert value(one, "select advance_runs(1)") == 1
    assert value(two, "select advance_runs(1)") == 0
    one.execute("commit")
    value(two, "select advance_runs(1)")
    cut = "select array_agg(i order by i) from work_items, generate_series(first_ordinal, last_ordinal) as i"
    points = value(watcher, cut)
    assert points == list(range(1, len(points) + 1))


def test_a_point_that_is_being_recorded_is_kept_by_a_cancel(opened: Callable[[], Session]) -> None:
    watcher, runner, director = opened(), opened(), opened()
    watcher.execute("select tap.given_job(3)")
    first, second, _ = claimed(watcher, 3)
    runner.execute("begin")
    assert value(runner, complete(first)) == "recorded"
    with meanwhile() as run:
        cancelled = run(director, "select cancel_job(max(id)) from jobs")
        wait_until_waiting(watcher, director)
        assert value(runner, complete(second)) == "recorded", "the rest of the batch is recorded, too"
        runner.execute("commit")
        [(answer,)] = cancelled.result(timeout=10)
    assert "cancelled after 2 of 3: 2 runs complete" in answer
    assert rows(watcher, "select status, finished from optimization_runs, run_progress") == [("cancelled", 2)]


def test_a_point_that_comes_after_a_cancel_is_stale(opened: Callable[[], Session]) -> None:
    watcher, runner, director = opened(), opened(), opened()
    watcher.execute("select tap.given_job(3)")
    first, *_ = claimed(watcher, 3)
    director.execute("begin")
    director.execute("select cancel_job(max(id)) from jobs")
    with meanwhile() as run:
        late = run(runner, complete(first))
        wait_until_waiting(watcher, runner)
        director.execute("commit")
        assert late.result(timeout=10) == [("stale",)]
    assert value(watcher, "select count(*) from backtest_results") == 0


def test_a_cancel_between_the_locks_of_a_recording_kills_neither(opened: Callable[[], Session]) -> None:
    watcher, runner, director, holder = opened(), opened(), opened(), opened()
    watcher.execute("select tap.given_job(3)")
    first, *_ = claimed(watcher, 3)
    holder.execute("begin")
    holder.execute("select from strategies for update")
    with meanwhile() as run:
        recorded = run(runner, complete(first))
        wait_until_waiting(watcher, runner)
        cancelled = run(director, "select cancel_job(max(id)) from jobs")
        wait_until_waiting(watcher, director)
        holder.execute("commit")
        assert recorded.result(timeout=10) == [("recorded",)]
        [(answer,)] = cancelled.result(timeout=10)
    assert "cancelled after 1 of 3" in answer


def test_a_cancel_in_the_middle_of_a_first_claim_kills_neither(opened: Callable[[], Session]) -> None:
    watcher, runner, director = opened(), opened(), opened()
    watcher.execute("select tap.given_job(3)")
    watcher.execute("select advance_runs(1)")
    runner.execute("begin")
    assert len(rows(runner, "select work_item_id from claim_work(1, 1)")) == 1
    with meanwhile() as run:
        cancelled = run(director, "select cancel_job(max(id)) from jobs")
        wait_until_waiting(watcher, director)
        runner.execute("commit")
        cancelled.result(timeout=10)
    assert value(watcher, "select count(*) from work_items where state in ('waiting', 'leased')") == 0


def test_a_run_that_is_cancelled_during_a_first_claim_stays_cancelled(opened: Callable[[], Session]) -> None:
    watcher, runner, director = opened(), opened(), opened()
    watcher.execute("select tap.given_job(3)")
    watcher.execute("select advance_runs(1)")
    director.execute("begin")
    director.execute("select cancel_job(max(id)) from jobs")
    with meanwhile() as run:
        claim = run(runner, "select work_item_id from claim_work(1, 1)")
        sleep(0.05)
        director.execute("commit")
        assert claim.result(timeout=10) == []
    assert rows(
        watcher, "select r.status, j.state from optimization_runs as r join jobs as j on j.id = r.job_id"
    ) == [("cancelled", "cancelled")]


def test_who_claims_while_it_records_waits_for_no_other_run(opened: Callable[[], Session]) -> None:
    watcher, runner, holder = opened(), opened(), opened()
    watcher.execute("select tap.given_job(4, '{\"cash\": 1000}'), tap.given_job(4, '{\"cash\": 2000}')")
    watcher.execute("select advance_runs(1), advance_runs(1)")
    item, token, ordinal, run_id = rows(
        watcher, "select work_item_id, token, ordinals[1], optimization_run_id from claim_work(1, 1)"
    )[0]
    holder.execute("begin")
    holder.execute(f"select from run_progress where optimization_run_id <> {run_id} for update")
    outcome = f"row({item}, '{token}', {ordinal}, tap.metrics(), null, null" + ", '{}'" * 8 + ")"
    call = (
        "select word, optimization_run_id"
        f" from complete_and_claim(array[{outcome}::point_outcome], 1, 6) order by word"
    )
    with meanwhile() as run:
        told = run(runner, call).result(timeout=10)
    assert told == [("recorded", None)] + 3 * [(None, run_id)]
    holder.execute("rollback")
    assert len(rows(watcher, "select from claim_work(1, 6)")) == 4


def test_many_runners_and_a_director_end_without_a_deadlock(opened: Callable[[], Session]) -> None:
    watcher = opened()
    for cash in range(6):
        watcher.execute(f"select tap.given_job(40, '{{\"cash\": {cash + 1000}}}')")

    def work(session: Session) -> int:
        recorded = 0
        while value(session, "select open_work(1)"):
            session.execute("select advance_runs(1)")
            session.execute("select reap_expired()")
            items = rows(
                session,
                "select optimization_run_id, work_item_id, token, unnest(ordinals) from claim_work(1, 6)",
            )
            with session.pipeline():
                answers = [session.execute(complete(item[1:])) for item in sorted(items, reverse=True)]
            recorded += sum(cursor.fetchone() == ("recorded",) for cursor in answers)
        return recorded

    def direct(session: Session) -> int:
        for job in (2, 4):
            session.execute(f"select pause_job({job})")
            session.execute(f"select resume_job({job})")
        session.execute("select cancel_job(3)")
        return 0

    director = opened()
    with ThreadPoolExecutor() as pool:
        workers = [pool.submit(work, opened()) for _ in range(3)]
        sleep(0.1)
        pool.submit(direct, director).result(timeout=60)
        recorded = sum(worker.result(timeout=60) for worker in workers)
    assert value(watcher, "select count(*) from backtest_results") == recorded
    assert rows(watcher, "select distinct state from jobs where id <> 3") == [("done",)]


def test_what_a_director_left_open_keeps_a_fresh_runner_from_nothing_else(
    opened: Callable[[], Session],
) -> None:
    """`begin; select cancel_job(...)` and nothing more: a runner registers and claims the rest."""
    director, runner, watcher = opened(), opened(), opened()
    low = value(watcher, "select tap.given_job(2, '{\"cash\": 1001}')")
    other = value(watcher, "select tap.given_job(2, '{\"cash\": 1002}')")
    director.execute("begin")
    director.execute("select cancel_job(%s)", [low])
    began = monotonic()
    runner.execute("set statement_timeout = '10s'")
    number = value(runner, "select tap.given_runner()")
    runner.execute("select tap.advance(%s)", [number])
    found = rows(
        runner,
        f"select distinct r.job_id from claim_work({number}, 4) as c"
        " join optimization_runs as r on r.id = c.optimization_run_id",
    )
    assert found == [(other,)]
    assert monotonic() - began < 5
    director.execute("rollback")
    watcher.execute("select tap.advance(%s)", [number])
    assert value(watcher, f"select count(*) from claim_work({number}, 4)") > 0


def test_a_strategy_that_somebody_holds_is_passed_over_with_its_runs(opened: Callable[[], Session]) -> None:
    director, runner, watcher = opened(), opened(), opened()
    watcher.execute("select tap.given_job(2, '{\"cash\": 1001}')")
    free = value(watcher, "select tap.given_job(2, '{\"cash\": 1002}', 0, 'rsi_mean_reversion')")
    director.execute("begin")
    director.execute("select from strategies where name = 'sma_crossover' for update")
    runner.execute("set statement_timeout = '10s'")
    runner.execute("select advance_runs(1)")
    found = rows(
        runner,
        "select distinct r.job_id from claim_work(1, 4) as c"
        " join optimization_runs as r on r.id = c.optimization_run_id",
    )
    assert found == [(free,)]
    director.execute("rollback")
    assert value(watcher, "select count(*) from claim_work(1, 4)") > 0
