"""(l) What DBLogger and RiskManager cost a backtest: the same points with and without, in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from benchmarks.backtests import GOOG
from benchmarks.contest import task
from benchmarks.contestants import desk as engine
from benchmarks.prices import series
from benchmarks.rounds import measure, table
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import Point, PointResult
from runners.worker.session_log import SessionLog
from strategies import run_context

POINTS = [{"fast": fast, "slow": slow} for fast in (5, 10, 15, 20) for slow in (30, 50, 80)]
KINDS: dict[str, dict[str, object]] = {
    "neither": {},
    "RiskManager": {"enable_risk_manager": True},
    "DBLogger": {"enable_db_logging": True},
    "both": {"enable_risk_manager": True, "enable_db_logging": True},
}


def tables(quick: bool) -> Iterator[str]:
    competitors = {name: _competitor(options) for name, options in KINDS.items()}
    rows = measure(competitors, 1 if quick else 9)
    yield table(rows, "points a CPU second")


def _competitor(options: dict[str, object]) -> Callable[[], float]:
    settings, prices = engine.settings(task("sma_crossover", [], GOOG)), series(*GOOG)
    points = [Point(number, point | options) for number, point in enumerate(POINTS)]

    def compete() -> float:
        # As in a child: rows are packed and written, only that nobody reads them.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        log = SessionLog(nowhere)
        began = time.process_time()
        with run_context.in_run(run_context.RunContext(rows=log.buffer)):
            for outcome in BacktraderEngine().run(settings, prices, points, log.begin):
                assert isinstance(outcome, PointResult), outcome
                log.end(outcome)
        seconds = time.process_time() - began
        os.close(nowhere)
        return len(points) / seconds

    return compete
