"""A desk of the benchmarks' own: an embedded server in a temporary folder, with the sample's prices."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.contest import ENVIRONMENT
from runners.database.connection import connect
from runners.settings import Settings
from testing import PROJECT_ROOT

CONFIG = """\
strategy: {strategy}
symbols: [GOOG]
start_date: 2004-08-19
end_date: 2013-03-01
cash: 100000
commission: 0.001
seed: {seed}
keep_series: {keep}
optimization:
  type: Grid Search
  target_metric: Sharpe Ratio
  target_direction: max
  parameters:
{parameters}
"""
SMA_400 = {"fast": "{start: 5, end: 24, step: 1}", "slow": "{start: 30, end: 125, step: 5}"}
SMA_1000 = {"fast": "{start: 5, end: 24, step: 1}", "slow": "{start: 30, end: 128, step: 2}"}


@dataclass(frozen=True)
class Desk:
    settings: Settings
    environment: dict[str, str]

    def command(self, *arguments: str) -> None:
        """Run a module of the desk; what it says is shown only when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            env=self.environment,
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )

    def config(
        self,
        name: str,
        parameters: dict[str, str],
        *,
        seed: int,
        strategy: str = "bench_sma",
        keep: str = "passed",
    ) -> Path:
        """A config file; each seed is another run to the desk, since equal results are not computed again."""
        path = self.settings.home / f"{name}-{seed}.yaml"
        lines = "\n".join(f"    {key}: {value}" for key, value in parameters.items())
        path.write_text(CONFIG.format(strategy=strategy, seed=seed, keep=keep, parameters=lines))
        return path

    def connect(self, role: str, **options: Any) -> psycopg.Connection[Any]:
        return connect(role, settings=self.settings, **options)


@contextmanager
def desk() -> Iterator[Desk]:
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    environment = {key: value for key, value in ENVIRONMENT.items() if key != "DATABASE_URL"}
    environment["BACKDESK_HOME"] = str(home)
    here = Desk(Settings(home=home), environment)
    try:
        here.command("runners.cli", "up")
        here.command("runners.cli", "load", "sample")
        yield here
    finally:
        here.command("runners.cli", "down")
        shutil.rmtree(home, ignore_errors=True)
