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


@pytest.fixture
def stocked(fresh_desk: Desk) -> Desk:
    """A desk with strategies and the prices of GOOG."""
    fresh_desk.publish_strategies()
    series = next(one for one in sample.read_sample().series if one.symbol == "GOOG")
    with fresh_desk.connect("director") as director:
        load.load(director, series)
    return fresh_desk


@pytest.fixture
def lean(tmp_path: Path) -> Iterator[StandIn]:
    stand_in = StandIn.install(tmp_path / "bin")
    yield stand_in
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


def worker(desk: Desk, lean: StandIn, home: Path, *options: str) -> subprocess.Popen[str]:
    """A runner; its own folder for LEAN's workspaces, beside the desk's."""
    return subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--processes", "2", *options],
        env={**os.environ, **desk.environment, **lean.variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def at_once(desk: Desk) -> None:
    """One attempt, and no waiting before another."""
    with desk.connect("admin") as admin:
        admin.execute("update desk.settings set value = '1' where name like 'max_%attempts'")
        admin.execute("update desk.settings set value = '0' where name = 'retry_seconds'")


def drained(desk: Desk, lean: StandIn, home: Path) -> str:
    process = worker(desk, lean, home, "--drain")
    try:
        output, _ = process.communicate(timeout=90)
    finally:
        process.kill()
    assert process.returncode == 0, output
    return output


def workspaces(desk: Desk) -> list[Path]:
    return list((desk.settings.home / "lean").glob("workspace-*"))


def test_each_point_is_one_backtest_of_the_desks_bars(stocked: Desk, lean: StandIn, tmp_path: Path) -> None:
    queue(stocked)
    drained(stocked, lean, tmp_path)
    found = rows(
        stocked,
        "select parameters, starting_cash, total_trades > 0, total_fees > 0, sessions, engine,"
        " engine_metrics ->> 'Sharpe Ratio', duration > 0 from backtest_results order by ordinal",
    )
    assert [row[0] for row in found] == [{"rsi_period": period} for period in (4, 6, 8)]
    assert {row[1:] for row in found} == {(50_000.0, True, True, 252, "lean", "1.0", True)}
    [(status, summary)] = rows(stocked, "select status, summary from optimization_runs")
    assert status == "completed"
    assert summary.startswith("3 runs complete, ")
    assert rows(stocked, "select count(*), sum(cardinality(equity)) from equity_curves") == [(3, 756)]
    assert (lean.containers(), workspaces(stocked)) == ([], [])


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
    stocked: Desk, lean: StandIn, tmp_path: Path, mode: str, kind: str, error: str
) -> None:
    at_once(stocked)
    lean.set(mode)
    queue(stocked, optimization={"parameters": {"rsi_period": 4}})
    drained(stocked, lean, tmp_path)
    [(outcome, found_kind, message)] = rows(
        stocked, "select outcome, error_kind, error from backtest_results"
    )
    assert (outcome, found_kind) == ("failed", kind)
    assert error in message
    [(state, why)] = rows(stocked, "select state, error from jobs")
    assert state == "failed"
    assert error in why
    assert (lean.containers(), workspaces(stocked)) == ([], [])


def test_a_backtest_that_hangs_is_ended_with_its_container(
    stocked: Desk, lean: StandIn, tmp_path: Path
) -> None:
    at_once(stocked)
    lean.set("hang")
    queue(stocked, optimization={"parameters": {"rsi_period": 4}}, seconds_per_point=2)
    drained(stocked, lean, tmp_path)
    [(kind,)] = rows(stocked, "select error_kind from backtest_results")
    assert kind in ("deadline", "infrastructure")
    until(lambda: not lean.containers(), seconds=30)


def test_a_cancelled_job_leaves_no_container(stocked: Desk, lean: StandIn, tmp_path: Path) -> None:
    lean.set("hang")
    job_id = queue(stocked)
    process = worker(stocked, lean, tmp_path)
    until(lambda: len(lean.containers()) == 2, seconds=30)
    rows(stocked, "select cancel_job(%s)", job_id)
    until(lambda: not lean.containers(), seconds=30)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert rows(stocked, "select state from jobs") == [("cancelled",)]


def test_a_runner_that_is_killed_leaves_no_container_and_loses_nothing(
    stocked: Desk, lean: StandIn, tmp_path: Path
) -> None:
    lean.set("hang")
    queue(stocked)
    process = worker(stocked, lean, tmp_path)
    until(lambda: len(lean.containers()) == 2, seconds=30)
    process.kill()
    process.communicate(timeout=30)
    until(lambda: not lean.containers(), seconds=30)
    lean.set("ok")
    with stocked.connect("admin") as admin:
        admin.execute(
            "update desk.work_items set lease_until = now() - interval '1 s' where state = 'leased'"
        )
        admin.execute("update desk.settings set value = '0' where name = 'retry_seconds'")
    drained(stocked, lean, tmp_path)
    assert rows(stocked, "select count(*) from backtest_results where outcome = 'finished'") == [(3,)]


def test_a_container_whose_lean_was_killed_is_stopped(stocked: Desk, lean: StandIn, tmp_path: Path) -> None:
    at_once(stocked)
    lean.set("cli_killed")
    queue(stocked, optimization={"parameters": {"rsi_period": 4}})
    drained(stocked, lean, tmp_path)
    until(lambda: not lean.containers(), seconds=30)
    [(kind,)] = rows(stocked, "select error_kind from backtest_results")
    assert kind == "infrastructure"


def test_without_docker_a_runner_takes_no_work_of_leans(stocked: Desk, lean: StandIn, tmp_path: Path) -> None:
    lean.set("no_docker")
    queue(stocked)
    drained(stocked, lean, tmp_path)
    assert rows(stocked, "select 'lean' = any (engines) from runners") == [(False,)]
    assert rows(stocked, "select state from jobs") == [("waiting",)]


def test_a_delegated_optimization_is_imported_as_a_run(stocked: Desk, lean: StandIn, tmp_path: Path) -> None:
    config = CONFIG | {"success_criteria": {"min_trades": 1}}
    config["optimization"] = CONFIG["optimization"] | {"target_metric": "Net Profit"}
    with stocked.connect("director") as director:
        director.execute(
            "insert into jobs (kind, config) values ('lean_optimization', %s)", (json.dumps(config),)
        )
    drained(stocked, lean, tmp_path)
    [(state, summary, error)] = rows(stocked, "select state, summary, error from jobs")
    assert (state, error) == ("done", None)
    assert summary.startswith("3 runs complete, 3 passed, best Sharpe: ")
    found = rows(
        stocked,
        "select r.imported, r.target_metric, b.parameters ->> 'rsi_period', b.starting_cash, b.total_fees > 0"
        " from optimization_runs as r join backtest_results as b on b.optimization_run_id = r.id",
    )
    assert {row[:2] + row[3:] for row in found} == {(True, "total_return", 50_000.0, True)}
    assert sorted(row[2] for row in found) == ["4", "6", "8"]
    assert (lean.containers(), workspaces(stocked)) == ([], [])


def test_a_delegated_optimization_that_hangs_ends_when_its_job_is_cancelled(
    stocked: Desk, lean: StandIn, tmp_path: Path
) -> None:
    lean.set("hang")
    with stocked.connect("director") as director:
        row = director.execute(
            "insert into jobs (kind, config) values ('lean_optimization', %s) returning id",
            (json.dumps(CONFIG),),
        ).fetchone()
    process = worker(stocked, lean, tmp_path)
    until(lambda: len(lean.containers()) == 1, seconds=30)
    rows(stocked, "select cancel_job(%s)", row and row[0])
    until(lambda: not lean.containers(), seconds=30)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert rows(stocked, "select state from jobs") == [("cancelled",)]


def test_a_delegated_optimization_that_was_cut_off_keeps_what_it_has(
    stocked: Desk, lean: StandIn, tmp_path: Path
) -> None:
    lean.set("cut_off")
    with stocked.connect("director") as director:
        config = CONFIG | {"optimization": {"parameters": {"rsi_period": {"start": 4, "end": 12, "step": 2}}}}
        director.execute(
            "insert into jobs (kind, config) values ('lean_optimization', %s)", (json.dumps(config),)
        )
    drained(stocked, lean, tmp_path)
    assert rows(stocked, "select total_combinations, notes from optimization_runs") == [
        (3, "the optimization was cut off before its end")
    ]


def test_points_that_never_trade_are_flagged(stocked: Desk, lean: StandIn, tmp_path: Path) -> None:
    lean.set("no_trades")
    queue(stocked)
    drained(stocked, lean, tmp_path)
    assert rows(stocked, "select flags from optimization_runs") == [(["no orders", "no trades"],)]
