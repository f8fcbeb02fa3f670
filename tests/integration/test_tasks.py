"""Tasks by a runner: prices loaded for a job, marts refreshed, points suggested; and jobs that come again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from typing import Any

import pytest

from runners.jobs import running
from testing.desks import Desk

needs_optuna = pytest.mark.skipif(find_spec("optuna") is None, reason="the extra bayes is not installed")


@pytest.fixture(scope="module")
def published(desk: Desk) -> Desk:
    desk.publish_strategies()
    return desk


def insert(desk: Desk, kind: str, config: dict[str, Any], strategy: str | None = None) -> int:
    with desk.connect("director") as director:
        row = director.execute(
            "insert into jobs (kind, strategy, config) values (%s, %s, %s) returning id",
            (kind, strategy, json.dumps(config)),
        ).fetchone()
    assert row is not None
    return int(row[0])


def work(desk: Desk, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "runners.cli", "work", "--drain", "--processes", "2", *options],
        env={**os.environ, **desk.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def rows(desk: Desk, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with desk.connect("admin") as admin:
        return admin.execute(query, parameters).fetchall()


def job(desk: Desk, job_id: int) -> tuple[str, str | None, str | None]:
    ((state, summary, error),) = rows(
        desk, "select state, summary, error from desk.jobs where id = %s", job_id
    )
    return state, summary, error


def test_a_job_inserted_in_sql_loads_the_sample(published: Desk) -> None:
    first = insert(published, "load_prices", {"source": "sample", "symbols": ["GOOG"]})
    work(published)
    assert job(published, first) == ("done", "1 series loaded, 0 unchanged", None)
    assert rows(published, "select bars from desk.price_coverage where symbol = 'GOOG'")[0][0] > 2000
    again = insert(published, "load_prices", {"source": "sample", "symbols": ["GOOG"]})
    work(published)
    assert job(published, again)[:2] == ("done", "0 series loaded, 1 unchanged")


def test_a_paused_load_waits_and_the_more_urgent_comes_first(published: Desk) -> None:
    paused, plain, urgent = (
        insert(published, "load_prices", {"source": "sample", "symbols": [symbol]})
        for symbol in ("IBM", "AAPL", "MSFT")
    )
    with published.connect("director") as director:
        director.execute("select pause_job(%s)", (paused,))
        director.execute("select set_priority(%s, 5)", (urgent,))
    work(published)
    assert job(published, paused)[0] == "paused"
    ended = "select id from desk.jobs where id = any (%s) order by finished_at"
    assert rows(published, ended, [plain, urgent]) == [(urgent,), (plain,)]
    with published.connect("director") as director:
        director.execute("select resume_job(%s)", (paused,))
    work(published)
    assert job(published, paused)[0] == "done"


def test_a_load_that_cannot_be_fails_with_the_reason(published: Desk) -> None:
    job_id = insert(published, "load_prices", {"source": "sample", "symbols": ["NOPE"]})
    assert "sample has no NOPE" in work(published)
    state, _, error = job(published, job_id)
    assert state == "failed"
    assert error is not None
    assert error.startswith("sample has no NOPE; it has AAPL")


def test_a_refresh_is_left_to_runners_that_were_started_for_it(published: Desk) -> None:
    job_id = insert(published, "dbt_refresh", {})
    work(published)
    assert job(published, job_id)[0] == "waiting"
    claim = "select kind from desk.claim_task(desk.register_runner('h', 1, '0', %s, 1, 'p', false, '[]'))"
    with published.connect("runner") as runner:
        assert runner.execute(claim, [["prices", "optuna"]]).fetchall() == []
        assert runner.execute(claim, [["dbt"]]).fetchall() == [("dbt_refresh",)]


def test_a_task_of_a_runner_that_was_killed_is_done_by_the_next(published: Desk) -> None:
    job_id = insert(published, "load_prices", {"source": "sample", "symbols": ["IBM"]})
    process = subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--processes", "1"],
        env={**os.environ, **published.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while job(published, job_id)[0] == "waiting" and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    if job(published, job_id)[0] != "done":
        assert rows(published, "select state from desk.work_items where job_id = %s", job_id) == [
            ("waiting",)
        ]
        work(published)
    assert job(published, job_id)[0] == "done"
    assert rows(published, "select max(version) from desk.price_coverage where symbol = 'IBM'") == [(1,)]


@needs_optuna
def test_a_bayesian_search_gives_the_same_points_twice(published: Desk) -> None:
    insert(published, "load_prices", {"source": "sample", "symbols": ["GOOG"]})
    work(published)
    found = []
    for note in ("once", "twice"):
        config = {
            "name": note,
            "symbols": ["GOOG"],
            "start_date": "2010-01-04",
            "end_date": "2010-12-31",
            "optimization": {
                "type": "Bayesian Search",
                "points": 16,
                "batch_points": 8,
                "patience": 16,
                "constraints": ["fast < slow"],
                "parameters": {
                    "fast": {"start": 2, "end": 40, "step": 1},
                    "slow": {"start": 10, "end": 80, "step": 5},
                },
            },
        }
        job_id = insert(published, "optimization", config, "sma_crossover")
        work(published)
        assert job(published, job_id)[0] == "done", job(published, job_id)
        found.append(
            rows(
                published,
                "select b.ordinal, b.parameters, b.sharpe_ratio from desk.backtest_results as b"
                " join desk.optimization_runs as r on r.id = b.optimization_run_id"
                " where r.job_id = %s order by b.ordinal",
                job_id,
            )
        )
    assert len(found[0]) == 16
    assert all(row[1]["fast"] < row[1]["slow"] for row in found[0])
    assert found[0] == found[1]


@needs_optuna
def test_a_bayesian_search_ends_when_nothing_better_comes(published: Desk) -> None:
    """Patience 8 of a budget of 200: the best is less than three batches old, and no point comes twice."""
    insert(published, "load_prices", {"source": "sample", "symbols": ["GOOG"]})
    work(published)
    config = {
        "symbols": ["GOOG"],
        "start_date": "2011-01-03",
        "end_date": "2011-06-30",
        "optimization": {
            "type": "Bayesian Search",
            "points": 200,
            "batch_points": 4,
            "patience": 8,
            "parameters": {"fast": {"start": 2, "end": 20}, "slow": {"start": 21, "end": 40}},
        },
    }
    job_id = insert(published, "optimization", config, "sma_crossover")
    work(published)
    assert job(published, job_id)[0] == "done", job(published, job_id)
    ((points, distinct, best, total),) = rows(
        published,
        "select count(*), count(distinct b.parameters),"
        " coalesce(max(b.ordinal) filter (where b.id = p.best_result_id), 0), max(p.total)"
        " from desk.backtest_results as b"
        " join desk.optimization_runs as r on r.id = b.optimization_run_id"
        " join desk.run_progress as p on p.optimization_run_id = r.id where r.job_id = %s",
        job_id,
    )
    assert points == distinct == total < 200
    assert 8 <= points - best < 12


def test_without_optuna_the_command_names_the_extra(published: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(published, "load_prices", {"source": "sample", "symbols": ["GOOG"]})
    work(published)
    search = {"type": "Bayesian Search", "points": 4, "parameters": {"fast": {"start": 2, "end": 9}}}
    config = {"symbols": ["GOOG"], "seed": 3, "optimization": search}
    job_id = insert(published, "optimization", config, "sma_crossover")
    monkeypatch.setattr(running, "find_spec", lambda _: None)
    with published.connect("director") as director:
        with pytest.raises(running.JobsWait, match="which makes them, is not installed") as waits:
            running._refuse_without_optuna(director, [job_id])
        director.execute("select cancel_job(%s)", (job_id,))
    assert waits.value.hint == "pip install 'backdesk[bayes]'"


@pytest.fixture
def due(fresh_desk: Desk) -> Desk:
    """A desk with a recurring job that has been due three times since anybody asked."""
    with fresh_desk.connect("director") as director:
        director.execute(
            "select every('1 hour', 'dbt_refresh', p_name => 'refresh',"
            " p_starts_at => now() - interval '150 minutes')"
        )
    return fresh_desk


def test_ten_runners_queue_what_is_due_once(due: Desk) -> None:
    start = threading.Barrier(10)
    errors: list[BaseException] = []

    def runner() -> None:
        try:
            with due.connect("runner") as connection:
                for _ in range(5):
                    start.wait(20)
                    connection.execute("select desk.do_chores()")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=runner) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert rows(due, "select count(*) from desk.jobs") == [(1,)]
    assert rows(
        due,
        "select next_at - now() between '25 minutes' and '30 minutes', last_note from desk.recurring_jobs",
    ) == [(True, None)]


def test_a_runner_does_what_has_come_due(due: Desk) -> None:
    due.publish_strategies()
    process = subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--processes", "1"],
        env={**os.environ, **due.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not rows(due, "select from desk.jobs") and time.monotonic() < deadline:
            time.sleep(0.05)
        assert rows(due, "select kind, state, created_by from desk.jobs") == [
            ("dbt_refresh", "waiting", "desk_director")
        ]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_a_transaction_that_stays_open_is_an_event(fresh_desk: Desk) -> None:
    with fresh_desk.connect("admin") as admin, fresh_desk.connect("viewer", autocommit=False) as forgotten:
        admin.execute("""update desk.settings set value = '"0.2 seconds"' where name = 'transaction_limit'""")
        forgotten.execute("select 1")
        time.sleep(1.2)
        for _ in range(2):
            with fresh_desk.connect("runner") as runner:
                admin.execute("update desk.chores set next_at = now()")
                runner.execute("select desk.do_chores()")
        found = admin.execute(
            "select details ->> 'what', details ->> 'state' from desk.job_events where event = 'alert'"
        ).fetchall()
        assert found == [("long transaction", "idle in transaction")]
