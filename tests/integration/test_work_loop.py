"""The loop with a real database: a job of 72 points through two children, and the ways it may be stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import MetricValue, Point, PointResult
from runners.prices import load, sample
from runners.worker.queue import Queue, Runner
from runners.worker.result_image import result_image
from runners.worker.work_items import Report, WorkItem
from strategies.registry import published_strategies
from testing.desks import Desk
from testing.waiting import until

CONFIG: dict[str, Any] = {
    "symbols": ["GOOG"],
    "start_date": "2010-01-04",
    "end_date": "2010-12-31",
    "commission": 0.001,
    "optimization": {
        "type": "Grid Search",
        "target_metric": "Sharpe Ratio",
        "parameters": {
            "rsi_period": {"start": 4, "end": 14, "step": 2},
            "entry_threshold": {"start": 20, "end": 35, "step": 5},
            "exit_threshold": [50, 55, 60],
        },
    },
}


@pytest.fixture(scope="module")
def stocked(desk: Desk) -> Desk:
    """A desk with strategies and the prices of GOOG."""
    desk.publish_strategies()
    series = next(one for one in sample.read_sample().series if one.symbol == "GOOG")
    with desk.connect("director") as director:
        load.load(director, series)
    return desk


def queue(desk: Desk, strategy: str = "rsi_mean_reversion", **changes: Any) -> int:
    with desk.connect("director") as director:
        row = director.execute(
            "insert into jobs (strategy, config) values (%s, %s) returning id",
            (strategy, json.dumps(CONFIG | changes)),
        ).fetchone()
    assert row is not None
    return int(row[0])


def rows(desk: Desk, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with desk.connect("admin") as admin:
        admin.execute("set search_path = desk")
        return admin.execute(query, parameters).fetchall()


def runs_of(desk: Desk, job_id: int) -> tuple[int, str, str | None]:
    ((run_id, status, summary),) = rows(
        desk, "select id, status, summary from optimization_runs where job_id = %s", job_id
    )
    return run_id, status, summary


def worker(desk: Desk, *options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--processes", "2", *options],
        env={**os.environ, **desk.environment, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def results_of(desk: Desk, job_id: int) -> int:
    ((count,),) = rows(
        desk,
        "select count(*) from backtest_results as b"
        " join optimization_runs as r on r.id = b.optimization_run_id"
        " where r.job_id = %s",
        job_id,
    )
    return int(count)


def test_seventy_two_points_give_seventy_two_results(stocked: Desk) -> None:
    job_id = queue(stocked)
    process = worker(stocked, "--drain")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "72 of 72 backtests" in output
    run_id, status, summary = runs_of(stocked, job_id)
    assert status == "completed"
    assert summary is not None
    assert summary.startswith("72 runs complete, ")
    results = rows(
        stocked,
        "select ordinal, outcome, sessions, bars, parameters, total_trades, ending_value, sharpe_ratio,"
        " code_version_id, data_hash, platform, runner_id from backtest_results"
        " where optimization_run_id = %s",
        run_id,
    )
    assert sorted(row[0] for row in results) == list(range(1, 73))
    assert {row[1] for row in results} == {"finished"}
    assert {(row[2], row[3]) for row in results} == {(252, 252)}
    assert len({json.dumps(row[4]) for row in results}) == 72
    assert all(None not in row[8:] for row in results)
    # Some trade, and not all alike.
    assert len({row[6] for row in results}) > 10


def test_recorded_numbers_are_those_of_the_engine(stocked: Desk) -> None:
    parameters = {"rsi_period": [4, 8], "exit_threshold": [50, 55, 60]}
    job_id = queue(
        stocked,
        keep_series="all",
        slippage=0.001,
        optimization={**CONFIG["optimization"], "parameters": parameters},
    )
    assert worker(stocked, "--drain").wait(timeout=60) == 0
    run_id, _, _ = runs_of(stocked, job_id)
    with stocked.connect("runner") as connection:
        queue_client = Queue(connection)
        settings, prices = queue_client.settings(run_id), queue_client.prices(run_id)
    for result_id, ordinal, parameters, value, m4, blocks in rows(
        stocked,
        "select id, ordinal, parameters, ending_value, return_m4, block_sums from backtest_results"
        " where optimization_run_id = %s and ordinal in (1, 4, 6)",
        run_id,
    ):
        (ours,) = BacktraderEngine().run(settings, prices, [Point(ordinal, parameters)], lambda _: None)
        assert isinstance(ours, PointResult)
        assert (value, m4, blocks) == tuple(
            ours.metrics[name] for name in ("ending_value", "return_m4", "block_sums")
        )
        ((sessions, equity),) = rows(
            stocked, "select sessions, equity from equity_curves where backtest_result_id = %s", result_id
        )
        assert (sessions, equity) == (ours.sessions, ours.equity)
        ((symbols, entered, profits),) = rows(
            stocked,
            "select symbols, entry_times, profits from trades where backtest_result_id = %s",
            result_id,
        )
        assert symbols == [trade.symbol for trade in ours.trades]
        assert entered == [trade.entry_time for trade in ours.trades]
        assert profits == [trade.profit for trade in ours.trades]


def test_a_runner_records_and_claims_in_one_call(stocked: Desk) -> None:
    # Nothing is known of how long its points take, so that an item is one of them.
    job_id = queue(stocked, "sma_crossover", optimization={"parameters": {"fast": [4, 5, 6]}})
    with stocked.connect("runner") as connection:
        client = Queue(connection)
        runner_id = client.register(
            Runner("host", 1, "test", ("backtrader",), 1, "test", False, tuple(published_strategies()))
        )
        assert client.advance(runner_id)
        (first,) = client.claim(runner_id, 1)
        reports = [finished(first, point.ordinal) for point in first.points]
        answers, (second,) = client.record_and_claim(reports, runner_id, 1)
        assert answers == [(report, "recorded") for report in reports]
        assert second.points == (Point(2, {"fast": 5}),)
        assert second.token != first.token
        answers, items = client.record_and_claim([*reports, finished(second, 2)], runner_id, 0)
        assert sorted(word for _, word in answers) == ["recorded", "stale"]
        assert items == []
        client.stop(runner_id)
    assert results_of(stocked, job_id) == 2
    cancel(stocked, job_id)


def finished(item: WorkItem, ordinal: int) -> Report:
    metrics: dict[str, MetricValue] = {
        "starting_cash": 100_000.0, "ending_value": 100_000.0, "sessions": 0, "return_count": 0,
        "total_orders": 0, "total_trades": 0, "bars": 0, "duration": 0.0,
    }  # fmt: skip
    return Report(item, ordinal, image=result_image(PointResult(ordinal, metrics, [], [], [])))


def test_what_a_strategy_raises_is_recorded_and_not_tried_again(stocked: Desk) -> None:
    parameters = {"rsi_period": [2, 200], "entry_threshold": 30}
    job_id = queue(
        stocked,
        start_date="2010-10-01",
        optimization={**CONFIG["optimization"], "parameters": parameters},
    )
    process = worker(stocked, "--drain")
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    run_id, status, summary = runs_of(stocked, job_id)
    assert status == "completed"
    assert summary is not None
    assert summary.endswith(", 1 failed")
    ((kind, error, attempt),) = rows(
        stocked,
        "select error_kind, error, attempt from backtest_results"
        " where optimization_run_id = %s and outcome = 'failed'",
        run_id,
    )
    assert (kind, attempt) == ("strategy", 1)
    assert "an indicator needs more bars than the 64 in the run's window" in error


SLOW = """
import time
from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter

class Slow(BaseStrategy):
    parameters = (Parameter("number", int, 1, 1, 99), Parameter("seconds", float, 1.0))
    def stop(self):
        time.sleep(self.p.seconds)
"""


@pytest.fixture(scope="module")
def slow(stocked: Desk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("slow")
    (folder / "slow.py").write_text(SLOW)
    environment = {"BACKDESK_STRATEGIES": str(folder)}
    # Publishes the strategy: there is nothing else to drain.
    assert worker(stocked, "--drain", **environment).wait(timeout=20) == 0
    return environment


def slow_job(desk: Desk, seconds: float, points: int = 8) -> int:
    search = {"parameters": {"number": {"start": 1, "end": points, "step": 1}, "seconds": seconds}}
    return queue(desk, "slow", optimization=search)


def leased(desk: Desk) -> int:
    ((count,),) = rows(desk, "select count(*) from work_items where state = 'leased'")
    return int(count)


def test_the_first_interrupt_finishes_what_is_held_and_the_rest_waits(
    stocked: Desk, slow: dict[str, str]
) -> None:
    # Long enough that what was claimed after the first result has not begun when the signal comes.
    job_id = slow_job(stocked, 0.9)
    process = worker(stocked, **slow)
    until(lambda: results_of(stocked, job_id) > 0)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert "finishing what runs; Ctrl-C again gives it back" in output
    assert leased(stocked) == 0
    # Two points run; what is claimed behind them is given back at once, for others.
    assert 0 < results_of(stocked, job_id) < 8
    assert rows(stocked, "select from job_events where event = 'release'")
    assert not rows(stocked, "select from job_events where event = 'retry'")
    assert worker(stocked, "--drain", **slow).wait(timeout=30) == 0
    assert runs_of(stocked, job_id)[1] == "completed"
    assert results_of(stocked, job_id) == 8


@pytest.mark.parametrize(
    ("signals", "code"), [((signal.SIGINT, signal.SIGINT), 130), ((signal.SIGTERM,), 143)]
)
def test_a_second_interrupt_gives_the_work_back_at_once(
    stocked: Desk, slow: dict[str, str], signals: tuple[signal.Signals, ...], code: int
) -> None:
    job_id = slow_job(stocked, 30.0 + code / 1000)
    process = worker(stocked, **slow)
    until(lambda: leased(stocked) > 0)
    began = time.monotonic()
    for number in signals:
        process.send_signal(number)
        time.sleep(0.3)
    process.communicate(timeout=10)
    assert time.monotonic() - began < 5
    assert process.returncode == code
    assert leased(stocked) == 0
    attempts = rows(
        stocked,
        "select distinct w.attempt from work_items as w"
        " join optimization_runs as r on r.id = w.optimization_run_id"
        " where r.job_id = %s and w.state = 'waiting'",
        job_id,
    )
    assert attempts == [(1,)]
    cancel(stocked, job_id)


def cancel(desk: Desk, job_id: int) -> None:
    with desk.connect("director") as director:
        director.execute("select cancel_job(%s)", (job_id,))


def test_a_cancelled_job_frees_the_runner_within_a_heartbeat(stocked: Desk, slow: dict[str, str]) -> None:
    job_id = slow_job(stocked, 60.0)
    process = worker(stocked, "--drain", **slow)
    until(lambda: leased(stocked) > 0)
    cancel(stocked, job_id)
    output, _ = process.communicate(timeout=15)
    assert process.returncode == 0, output
    assert "is no longer held" in output
    assert results_of(stocked, job_id) == 0


def descendants(pid: int) -> set[int]:
    below = {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return below.union(*map(descendants, below))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_that_is_killed_leaves_no_process_behind(stocked: Desk, slow: dict[str, str]) -> None:
    job_id = slow_job(stocked, 61.0)
    process = worker(stocked, **slow)
    until(lambda: len(descendants(process.pid)) == 3)
    below = descendants(process.pid)
    process.kill()
    process.communicate(timeout=10)
    until(lambda: not any(map(alive, below)), seconds=5)
    cancel(stocked, job_id)


def test_results_survive_a_lost_connection(stocked: Desk, slow: dict[str, str]) -> None:
    job_id = slow_job(stocked, 0.21)
    process = worker(stocked, "--drain", **slow)
    for _ in range(3):
        until(lambda: leased(stocked) > 0 or process.poll() is not None)
        rows(
            stocked,
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'backdesk work' and datname = current_database()",
        )
        time.sleep(0.3)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert "connected again" in output
    assert results_of(stocked, job_id) == 8
    assert runs_of(stocked, job_id)[1] == "completed"
    assert rows(stocked, "select 1 from job_events where event = 'retry'") == []


def test_without_a_database_the_error_says_what_to_do(tmp_path: Any) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "runners.cli", "work", "--drain"],
        env={**os.environ, "BACKDESK_HOME": str(tmp_path / "nothing")},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    assert "backdesk up" in process.stderr
