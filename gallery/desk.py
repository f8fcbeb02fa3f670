"""The desk that stands for its portrait: the demo's, with a walk-forward, a logged session and one on paper.

It lies in a temporary folder and goes with it; nobody's own desk is touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from runners.database import embedded
from runners.database.connection import connect
from runners.settings import Settings
from testing import PROJECT_ROOT, served

WALK_FORWARD = "configs/optimizations/walk_forward_example.yaml"
STOCKS = ["AAPL", "GOOG", "IBM", "MSFT"]
# Limits as tight as a nervous owner's, so that there is something to see.
LOGGED: dict[str, Any] = {
    "symbols": STOCKS,
    "start_date": "2011-01-03",
    "end_date": "2012-12-31",
    "risk_limits": {
        "max_concentration": 0.30,
        "max_daily_loss": 0.015,
        "max_drawdown": 0.15,
        "max_positions": 3,
    },
    "optimization": {
        "parameters": {"enable_db_logging": [True], "enable_risk_manager": [True], "fast": [10], "slow": [50]}
    },
    "success_criteria": {"min_trades": 10},
}
PAPER_LIMITS = {
    "max_daily_loss": 0.03, "max_leverage": 1, "max_orders_per_minute": 1000, "max_concentration": 0.23,
}  # fmt: skip
LONG: dict[str, Any] = {
    "symbols": STOCKS,
    "optimization": {
        "constraints": ["fast < slow"],
        "parameters": {
            "fast": {"start": 4, "end": 60, "step": 2},
            "slow": {"start": 20, "end": 240, "step": 5},
        },
    },
}
WAITING: dict[str, Any] = {
    "symbols": ["AAPL", "IBM"],
    "optimization": {"parameters": {"rsi_period": {"start": 5, "end": 25, "step": 1}}},
}
FINISHED = "select finished from job_progress where job_id = %s"
CANCEL = "select cancel_job(id) from jobs where is_open"
ENOUGH_POINTS = 150
PATIENCE_SECONDS = 180.0


@contextmanager
def desk() -> Iterator[Settings]:
    """A filled desk; it is also the desk of this process and its children."""
    home = Path(tempfile.mkdtemp(prefix="gallery-"))
    for name in [name for name in os.environ if name.startswith(("BACKDESK_", "PG", "DATABASE_"))]:
        if name != "BACKDESK_CHROMIUM":
            del os.environ[name]
    os.environ["BACKDESK_HOME"] = str(home)
    settings = Settings(home=home)
    try:
        _run("runners.demo")
        _run("runners.cli", "run", WALK_FORWARD)
        _queue(settings, "sma_crossover", LOGGED, "A session that is logged")
        _run("runners.cli", "work", "--drain")
        _on_paper(settings)
        yield settings
    finally:
        embedded.stop(settings)
        shutil.rmtree(home, ignore_errors=True)


def _on_paper(settings: Settings) -> None:
    """The strategy that passed, a year on paper under limits of which some are reached."""
    with connect("director", settings=settings) as director:
        director.execute("select move_strategy('sma_crossover', 'validated', 'for the gallery')")
        director.execute("select paper_account('PAPER1')")
        for name, threshold in PAPER_LIMITS.items():
            director.execute(
                "insert into risk_limits (account_id, limit_name, threshold)"
                " select id, %s, %s from accounts where name = 'PAPER1'"
                " on conflict do nothing",
                [name, threshold],
            )
    _run(
        "runners.cli", "paper-replay", "sma_crossover", "--capital", "10000", "--account", "PAPER1",
        "--symbols", ",".join(STOCKS), "--start", "2012-01-03", "--end", "2012-12-31",
        "--params", "fast=5,slow=20",
    )  # fmt: skip


@contextmanager
def at_work(settings: Settings) -> Iterator[None]:
    """The desk with a job half done, one that waits behind it and one that is paused."""
    job = _queue(settings, "sma_crossover", LONG, "Every pair of averages")
    _queue(settings, "rsi_mean_reversion", WAITING, "Another period for the index")
    paused = _queue(settings, "bollinger_reversion", {"symbols": ["MSFT"]}, "Later")
    with connect("director", settings=settings) as director:
        director.execute("select pause_job(%s)", [paused])
        with served.runner({}, processes=2):
            until = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < until:
                found = director.execute(FINISHED, [job]).fetchone()
                if found and (found[0] or 0) >= ENOUGH_POINTS:
                    break
                time.sleep(0.5)
            yield
            director.execute(CANCEL)


def _queue(settings: Settings, strategy: str, config: dict[str, Any], note: str) -> int:
    with connect("director", settings=settings) as director:
        row = director.execute(
            "insert into jobs (strategy, config, notes, force) values (%s, %s, %s, true) returning id",
            [strategy, Jsonb(config), note],
        ).fetchone()
    assert row is not None
    return int(row[0])


def _run(*words: str) -> None:
    """A command of the desk; what it says is shown only when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
