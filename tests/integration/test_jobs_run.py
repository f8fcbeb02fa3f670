"""`backdesk run` and the optimize runner: from a file to the summary line, with whatever runner there is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runners.prices.load import load
from runners.prices.sample import read_sample
from testing.desks import Desk

CONFIG = """\
strategy: sma_crossover
symbols: AAPL
start_date: 2010-01-04
end_date: {end}
optimization:
  parameters:
    fast: {{start: 5, end: {last}, step: 1}}
    slow: 30
"""


@pytest.fixture(scope="module", autouse=True)
def prices(desk: Desk) -> None:
    desk.publish_strategies()
    with desk.connect("director") as director:
        for series in read_sample().series:
            if series.symbol == "AAPL":
                load(director, series)


def started(desk: Desk, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env={**os.environ, **desk.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_optimize_runner_ends_with_the_summary_line(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(CONFIG.format(end="2010-12-31", last=6))
    runner = started(desk, "runners.optimize_runner", "--config", str(path), "--processes", "1")
    out, err = runner.communicate(timeout=60)
    assert runner.returncode == 0, err
    assert re.fullmatch(r"2 runs complete, 0 passed, best Sharpe: -?\d+\.\d+\n", out)
    assert "2 combinations, queued" in err
    assert "2 of 2" in err
    assert "select * from strategy_leaderboard" in err


def test_a_refused_config_ends_with_1_and_its_place(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(CONFIG.format(end="2009-12-31", last=6))
    runner = started(desk, "runners.cli", "run", str(path))
    out, err = runner.communicate(timeout=60)
    assert (runner.returncode, out) == (1, "")
    assert err.startswith(
        f"error: {path}:4:1: The window ends on 2009-12-31, before it starts on 2010-01-04\n"
    )


def test_ctrl_c_leaves_the_job_in_the_queue_and_a_second_run_joins_it(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "longer.yaml"
    config = CONFIG.format(end="2013-02-28", last=24)
    # Enough that it is not over before the signal comes.
    path.write_text(config.replace("slow: 30", "slow: {start: 30, end: 120, step: 10}"))
    first = started(desk, "runners.cli", "run", str(path), "--processes", "1")
    with desk.connect("director") as director:
        deadline = time.monotonic() + 30
        recorded = 0
        while not recorded and time.monotonic() < deadline:
            row = director.execute(
                "select max(finished) from desk.job_progress where state = 'running'"
            ).fetchone()
            recorded = row[0] or 0 if row else 0
            time.sleep(0.1)
        first.send_signal(signal.SIGINT)
        _, err = first.communicate(timeout=60)
        assert first.returncode == 130
        ((job_id, state),) = director.execute(
            "select job_id, state from desk.job_progress where state in ('waiting', 'running')"
        ).fetchall()
        assert f"error: interrupted; job {job_id} stays in the queue" in err
        assert f"select cancel_job({job_id})" in err
        assert director.execute("select count(*) from desk.runner_status where alive").fetchone() == (0,)

    second = started(desk, "runners.cli", "run", str(path), "--processes", "2")
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0, err
    assert f"job {job_id}  " in err
    assert "joined" in err
    assert out.startswith("200 runs complete")
    assert state == "running"
