"""Batches and estimates on the command line: all or none, estimated beforehand, summed up at the end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runners.prices.load import load
from runners.prices.sample import read_sample
from testing import PROJECT_ROOT
from testing.desks import Desk

EXAMPLE = PROJECT_ROOT / "configs" / "batches" / "mean_reversion_batch.yaml"
SMALL = """\
name: Small
defaults:
  strategy: sma_crossover
  symbols: AAPL
  start_date: 2010-01-04
  end_date: 2010-12-31
configs:
  - name: grid
    optimization: {{parameters: {{fast: [5, 6], slow: 30}}}}
  - name: euler
    optimization: {{type: Euler Search, parameters: {{fast: {{start: 4, end: 8, step: {step}}}, slow: 30}}}}
"""


@pytest.fixture(scope="module", autouse=True)
def prices(desk: Desk) -> None:
    desk.publish_strategies()
    with desk.connect("director") as director:
        for series in read_sample().series:
            load(director, series)


def backdesk(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, **desk.environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def jobs(desk: Desk) -> int:
    with desk.connect("director") as director:
        row = director.execute("select count(*) from desk.jobs").fetchone()
    assert row is not None
    return int(row[0])


def test_the_example_is_accepted_whole(desk: Desk) -> None:
    done = backdesk(desk, "runners.cli", "queue", "--batch", str(EXAMPLE), "--dry-run")
    assert done.returncode == 0, done.stderr
    counts = re.findall(r"^ *\u2013  (.+?) +(\d+) +([\d,]+)$", done.stdout, re.MULTILINE)
    assert counts == [
        ("RSI, grid", "1", "28"),
        ("Bollinger, grid", "1", "20"),
        ("rsi_mean_reversion of each ETF, Euler", "5", "20"),
        ("bollinger_reversion of each ETF, Euler", "5", "20"),
        ("RSI, walked forward", "1", "72"),
    ]
    assert jobs(desk) == 0


def test_one_refused_config_keeps_the_batch_out(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(SMALL.format(step=0))
    done = backdesk(desk, "runners.cli", "queue", "--batch", str(path))
    assert done.returncode == 1
    assert f"error: {path}:11:" in done.stderr
    assert "A step of 0 never reaches the end" in done.stderr
    assert "nothing was queued" in done.stderr
    with desk.connect("director") as director:
        assert director.execute("select count(*) from desk.batches").fetchone() == (0,)
    assert jobs(desk) == 0


def test_files_and_a_batch_are_one_too_many(desk: Desk) -> None:
    done = backdesk(desk, "runners.cli", "queue", str(EXAMPLE), "--batch", str(EXAMPLE))
    assert done.returncode == 2
    assert "name config files, or one --batch FILE" in done.stderr


def test_an_estimate_says_what_is_known_and_queues_nothing(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.format(step=2))
    done = backdesk(desk, "runners.optimize_runner", "--batch", str(path), "--estimate")
    assert done.returncode == 0, done.stderr
    assert "grid\n  points  2\n  time    not known\n" in done.stdout
    assert "euler\n  points  3, at most " in done.stdout
    assert "a few pilot points run first" in done.stdout
    assert "all 2: 5 points, at most " in done.stdout
    assert jobs(desk) == 0


def test_a_batch_is_run_and_summed_up(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.format(step=2))
    done = backdesk(desk, "runners.cli", "run", "--batch", str(path), "--processes", "1")
    assert done.returncode == 0, done.stderr
    grid, euler, batch = done.stdout.splitlines()
    assert re.fullmatch(r"grid: 2 runs complete, 0 passed, best Sharpe: -?\d+\.\d+(, \d known before)?", grid)
    assert re.match(r"euler: [45] runs complete", euler)
    assert re.search(r"^look: job \d+: best on the edge: fast$", done.stderr, re.MULTILINE)
    assert re.fullmatch(
        r"Small: 2 jobs: [67] runs complete, 0 passed, best Sharpe: -?\d+\.\d+(, \d known before)?", batch
    )
    with desk.connect("director") as director:
        row = director.execute("select jobs, open, failed, file from desk.batch_summary").fetchone()
    assert row == (2, 0, 0, "small.yaml")

    # What is known now: two searches of the same points cost nothing, and the estimate has figures.
    again = backdesk(desk, "runners.optimize_runner", "--batch", str(path))
    assert again.returncode == 0, again.stderr
    assert re.search(r"job \d+: 2 of 2 points were known from earlier searches", again.stderr)
    told = backdesk(desk, "runners.cli", "queue", "--batch", str(path), "--estimate").stdout
    assert re.search(r"time +\d+ s of one process; no runner is alive", told)
    assert re.search(r"fees +\d+\.\d% \(worst \d+\.\d%\) of the capital; allowed 30.0%", told)
    assert "fine" in told


def test_a_job_is_held_while_pilot_points_run_and_the_command_waits(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "held.yaml"
    path.write_text(
        "strategy: bollinger_reversion\nsymbols: IBM\nstart_date: 2010-01-04\nend_date: 2010-12-31\n"
        "optimization: {parameters: {period: {start: 5, end: 12, step: 1}}}\n"
    )
    with desk.connect("owner") as owner:
        owner.execute("update desk.settings set value = '2' where name = 'pilot_points'")
    done = backdesk(desk, "runners.cli", "run", str(path), "--processes", "1")
    assert done.returncode == 0, done.stderr
    assert "nothing is known of its fees: a few pilot points run first" in done.stderr
    assert "known from earlier searches" not in done.stderr
    assert done.stdout.startswith("8 runs complete")

    # Now its fees are known: a job in which they are too high is refused, and can be forced.
    path = tmp_path / "dear.yaml"
    path.write_text(
        "strategy: bollinger_reversion\nsymbols: IBM\nstart_date: 2010-01-04\nend_date: 2010-12-31\n"
        "cash: 1000\ncommission: {minimum: 100}\noptimization: {parameters: {period: [5, 6]}}\n"
    )
    refused = backdesk(desk, "runners.cli", "queue", str(path))
    assert refused.returncode == 1
    assert f"error: {path}:6:1: Fees would take " in refused.stderr
    assert "with more capital, of which a least fee is a smaller share" in refused.stderr
    forced = backdesk(desk, "runners.cli", "queue", str(path), "--force")
    assert forced.returncode == 0, forced.stderr
    with desk.connect("director") as director:
        assert director.execute(
            "select forced, verdict from desk.estimates order by job_id desc limit 1"
        ).fetchone() == (True, "forced")
