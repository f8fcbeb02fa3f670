"""LEAN behind the queue: points run, failures with their reason, and no container left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runners.prices import load, sample
from testing.desks import Desk
from testing.waiting import until
from tests.lean_stand_in import StandIn

CONFIG: dict[str, Any] = {
    "strategy": "RSI_MeanReversion_ETF",
    "symbols": ["GOOG"],
    "start_date": "2010-01-04",
    "end_date": "2010-12-31",
    "cash": 50_000,
    "commission": 0.001,
    "keep_series": "all",
    "optimization": {"parameters": {"rsi_period": {"start": 4, "end": 8, "step": 2}}},
}

OF_JOB = (
    " from backtest_results as b join optimization_runs as r on r.id = b.optimization_run_id"
    " where r.job_id = %s"
)


def stock(desk: Desk) -> None:
    """Strategies and the prices of GOOG."""
    desk.publish_strategies()
    series = next(one for one in sample.read_sample().series if one.symbol == "GOOG")
    with desk.connect("director") as director:
        load.load(director, series)


@pytest.fixture(scope="module")
def stocked(desk: Desk) -> Desk:
    """A desk whose points have one attempt, and whose one runner serves the whole module."""
    stock(desk)
    with desk.connect("admin") as admin:
        admin.execute("update desk.settings set value = '1' where name like 'max_%attempts'")
        admin.execute("update desk.settings set value = '0' where name = 'retry_seconds'")
    return desk


@pytest.fixture(scope="module")
def module_lean(stocked: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """What the module's runner, which it starts, takes for LEAN."""
    stand_in = StandIn.install(tmp_path_factory.mktemp("lean") / "bin")
    process = worker(stocked, stand_in)
    try:
        yield stand_in
    finally:
        stop(process)
        end_containers(stand_in)


@pytest.fixture
def lean(module_lean: StandIn) -> Iterator[StandIn]:
    """As it should be, until a test says otherwise."""
    yield module_lean
    module_lean.set("ok")
    end_containers(module_lean)


@pytest.fixture
def another_desk(fresh_desk: Desk) -> Desk:
    stock(fresh_desk)
    return fresh_desk


@pytest.fixture
def another_lean(tmp_path: Path) -> Iterator[StandIn]:
    """For runners of a test's own."""
    stand_in = StandIn.install(tmp_path / "bin")
    yield stand_in
    end_containers(stand_in)


def end_containers(stand_in: StandIn) -> None:
    for pid in stand_in.containers():
        os.kill(pid, signal.SIGKILL)


def queue(desk: Desk, **changes: Any) -> int:
    with desk.connect("director") as director:
        row = director.execute(
            "insert into jobs (config) values (%s) returning id", (json.dumps(CONFIG | changes),)
        ).fetchone()
    assert row is not None
    return int(row[0])


def rows(desk: Desk, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with desk.connect("director") as director:
        return director.execute(query, parameters).fetchall()


def worker(desk: Desk, lean: StandIn, *options: str) -> subprocess.Popen[bytes]:
    log = (lean.folder / "runner.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--processes", "2", *options],
        env={**os.environ, **desk.environment, **lean.variables},
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    finally:
        process.kill()


def drained(desk: Desk, lean: StandIn) -> None:
    process = worker(desk, lean, "--drain")
    try:
        process.wait(90)
    finally:
        process.kill()
    assert process.returncode == 0, (lean.folder / "runner.log").read_text()


def ended(desk: Desk, job_id: int) -> tuple[Any, ...]:
    """State, summary and error of a job that is over."""
    over = " where id = %s and state in ('done', 'failed', 'cancelled')"
    until(lambda: rows(desk, "select from jobs" + over, job_id) == [()], seconds=90)
    return rows(desk, "select state, summary, error from jobs" + over, job_id)[0]


def delegated(desk: Desk, config: dict[str, Any]) -> int:
    with desk.connect("director") as director:
        row = director.execute(
            "insert into jobs (kind, config) values ('lean_optimization', %s) returning id",
            (json.dumps(config),),
        ).fetchone()
    assert row is not None
    return int(row[0])


def nothing_left(desk: Desk, lean: StandIn) -> bool:
    return (lean.containers(), workspaces(desk)) == ([], [])


def workspaces(desk: Desk) -> list[Path]:
    return list((desk.settings.home / "lean").glob("workspace-*"))


def test_each_point_is_one_backtest_of_the_desks_bars(stocked: Desk, lean: StandIn) -> None:
    job_id = queue(stocked)
    state, summary, _ = ended(stocked, job_id)
    assert (state, summary.startswith("3 runs complete, ")) == ("done", True)
    found = rows(
        stocked,
        "select parameters, starting_cash, total_trades > 0, total_fees > 0, sessions, b.engine,"
        " engine_metrics ->> 'Sharpe Ratio', duration > 0" + OF_JOB + " order by ordinal",
        job_id,
    )
    assert [row[0] for row in found] == [{"rsi_period": period} for period in (4, 6, 8)]
    assert {row[1:] for row in found} == {(50_000.0, True, True, 252, "lean", "1.0", True)}
    curves = " join equity_curves as e on e.backtest_result_id = b.id"
    counts = OF_JOB.replace(" where", curves + " where")
    assert rows(stocked, "select count(*), sum(cardinality(equity))" + counts, job_id) == [(3, 756)]
    until(lambda: nothing_left(stocked, lean))


@pytest.mark.parametrize(
    ("mode", "kind", "error"),
    [
        ("runtime_error", "strategy", "the backtest failed: boom"),
        ("partial", "infrastructure", "is half-written: it ends in the middle"),
        ("no_result", "infrastructure", "LEAN left no result file"),
        ("disk_full", "infrastructure", "Something went wrong while running"),
        ("crash", "infrastructure", "Something went wrong while running"),
    ],
)
def test_what_goes_wrong_ends_the_point_with_its_reason(
    stocked: Desk, lean: StandIn, mode: str, kind: str, error: str
) -> None:
    lean.set(mode)
    job_id = queue(stocked, optimization={"parameters": {"rsi_period": 5}})
    state, _, why = ended(stocked, job_id)
    [(outcome, found_kind, message)] = rows(stocked, "select outcome, error_kind, b.error" + OF_JOB, job_id)
    assert (outcome, found_kind) == ("failed", kind)
    assert error in message
    assert state == "failed"
    assert error in why
    until(lambda: nothing_left(stocked, lean))


def test_a_backtest_that_hangs_is_ended_with_its_container(stocked: Desk, lean: StandIn) -> None:
    lean.set("hang")
    job_id = queue(stocked, optimization={"parameters": {"rsi_period": 5}}, seconds_per_point=2)
    ended(stocked, job_id)
    [(kind,)] = rows(stocked, "select error_kind" + OF_JOB, job_id)
    assert kind in ("deadline", "infrastructure")
    until(lambda: not lean.containers(), seconds=30)


def test_a_cancelled_job_leaves_no_container(stocked: Desk, lean: StandIn) -> None:
    lean.set("hang")
    job_id = queue(stocked, cash=60_000)
    until(lambda: len(lean.containers()) == 2, seconds=30)
    rows(stocked, "select cancel_job(%s)", job_id)
    until(lambda: not lean.containers(), seconds=30)
    assert rows(stocked, "select state from jobs where id = %s", job_id) == [("cancelled",)]


def test_a_runner_that_is_killed_leaves_no_container_and_loses_nothing(
    another_desk: Desk, another_lean: StandIn
) -> None:
    desk, lean = another_desk, another_lean
    lean.set("hang")
    queue(desk)
    process = worker(desk, lean)
    until(lambda: len(lean.containers()) == 2, seconds=30)
    process.kill()
    process.wait(30)
    until(lambda: not lean.containers(), seconds=30)
    lean.set("ok")
    with desk.connect("admin") as admin:
        admin.execute(
            "update desk.work_items set lease_until = now() - interval '1 s' where state = 'leased'"
        )
        admin.execute("update desk.settings set value = '0' where name = 'retry_seconds'")
    drained(desk, lean)
    assert rows(desk, "select count(*) from backtest_results where outcome = 'finished'") == [(3,)]


def test_a_container_whose_lean_was_killed_is_stopped(stocked: Desk, lean: StandIn) -> None:
    lean.set("cli_killed")
    job_id = queue(stocked, optimization={"parameters": {"rsi_period": 5}})
    ended(stocked, job_id)
    until(lambda: not lean.containers(), seconds=30)
    assert rows(stocked, "select error_kind" + OF_JOB, job_id) == [("infrastructure",)]


def test_without_docker_a_runner_takes_no_work_of_leans(another_desk: Desk, another_lean: StandIn) -> None:
    another_lean.set("no_docker")
    queue(another_desk)
    drained(another_desk, another_lean)
    assert rows(another_desk, "select 'lean' = any (engines) from runners") == [(False,)]
    assert rows(another_desk, "select state from jobs") == [("waiting",)]


def test_a_delegated_optimization_is_imported_as_a_run(stocked: Desk, lean: StandIn) -> None:
    config = CONFIG | {"success_criteria": {"min_trades": 1}}
    config["optimization"] = CONFIG["optimization"] | {"target_metric": "Net Profit"}
    state, summary, error = ended(stocked, delegated(stocked, config))
    assert (state, error) == ("done", None)
    assert summary.startswith("3 runs complete, 3 passed, best Sharpe: ")
    found = rows(
        stocked,
        "select r.target_metric, b.parameters ->> 'rsi_period', b.starting_cash, b.total_fees > 0"
        " from optimization_runs as r join backtest_results as b on b.optimization_run_id = r.id"
        " where r.imported and r.cash = 50000",
    )
    assert {row[:1] + row[2:] for row in found} == {("total_return", 50_000.0, True)}
    assert sorted(row[1] for row in found) == ["4", "6", "8"]
    until(lambda: nothing_left(stocked, lean))


def test_a_delegated_optimization_that_hangs_ends_when_its_job_is_cancelled(
    stocked: Desk, lean: StandIn
) -> None:
    lean.set("hang")
    job_id = delegated(stocked, CONFIG)
    until(lambda: len(lean.containers()) == 1, seconds=30)
    rows(stocked, "select cancel_job(%s)", job_id)
    until(lambda: not lean.containers(), seconds=30)
    assert rows(stocked, "select state from jobs where id = %s", job_id) == [("cancelled",)]


def test_a_delegated_optimization_that_was_cut_off_keeps_what_it_has(stocked: Desk, lean: StandIn) -> None:
    lean.set("cut_off")
    parameters = {"rsi_period": {"start": 4, "end": 12, "step": 2}}
    config = CONFIG | {"cash": 80_000, "optimization": {"parameters": parameters}}
    assert ended(stocked, delegated(stocked, config))[0] == "done"
    assert rows(
        stocked,
        "select total_combinations, notes from optimization_runs where imported and cash = 80000",
    ) == [(3, "the optimization was cut off before its end")]


def test_points_that_never_trade_are_flagged(stocked: Desk, lean: StandIn) -> None:
    lean.set("no_trades")
    job_id = queue(stocked, cash=70_000)
    ended(stocked, job_id)
    found = rows(stocked, "select flags from optimization_runs where job_id = %s", job_id)
    assert found == [(["no orders", "no trades"],)]
