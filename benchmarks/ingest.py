"""(f) Recording results: complete_work of so many at once, as a runner does it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.backtests import GOOG
from benchmarks.contest import task
from benchmarks.contestants import desk as engine
from benchmarks.desk import SMA_1000, Desk, desk
from benchmarks.prices import series
from benchmarks.rounds import markdown, spread
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import Point, PointResult
from runners.jobs.queueing import queue, read_configs
from runners.worker.queue import Queue, Runner
from runners.worker.result_image import result_image
from runners.worker.work_items import Report
from strategies.registry import published_strategies

BATCHES = (1, 10, 50)


def tables(quick: bool) -> Iterator[str]:
    rounds = 1 if quick else 5
    result = _result()
    with desk() as here, here.connect("runner") as connection:
        work = Queue(connection)
        name = Runner(
            "bench", os.getpid(), "bench", ("backtrader",), 2, "bench", False, tuple(published_strategies())
        )
        runner_id = work.register(name)
        seeds = itertools.count(1)
        rows = []
        for keep in ("passed", "all"):
            for batch in BATCHES:
                found = [
                    _round(here, work, runner_id, result, next(seeds), keep, batch, 100 if quick else 500)
                    for _ in range(rounds)
                ]
                rates, client = zip(*found, strict=True)
                rows.append(
                    (f"keep_series {keep}, {batch} a round trip", spread(rates, 0), spread(client, 2))
                )
    heads = ("", "results a second: min / median / max", "client CPU ms a result: min / median / max")
    bars = len(result.equity)
    title = f"Metrics, {bars:,} values of equity, {len(result.trades)} trades a result"
    yield f"{title}\n\n{markdown(heads, rows)}"


def _result() -> PointResult:
    """One real result, to be recorded again and again."""
    (outcome,) = BacktraderEngine().run(
        engine.settings(task("bench_sma", [], GOOG)),
        series(*GOOG),
        [Point(0, {"fast": 10, "slow": 50})],
        lambda _: None,
    )
    assert isinstance(outcome, PointResult), outcome
    return outcome


def _round(
    here: Desk,
    work: Queue,
    runner_id: int,
    result: PointResult,
    seed: int,
    keep: str,
    batch: int,
    count: int,
) -> tuple[float, float]:
    with here.connect("director") as director:
        (queued,) = queue(
            director, read_configs([here.config("ingest", SMA_1000, seed=seed, keep=keep)]), force=True
        )
        reports = list(itertools.islice(_reports(work, runner_id, result), count))
        wall, cpu = time.perf_counter(), time.process_time()
        words: set[str] = set()
        for first in range(0, len(reports), batch):
            words |= {word for _, word in work.record(reports[first : first + batch])}
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if words != {"recorded"}:
            raise RuntimeError(f"the desk answered {words}")
        director.execute("select desk.cancel_job(%s)", [queued.job_id])
        work.release(runner_id)
    return len(reports) / wall, 1_000 * cpu / len(reports)


def _reports(work: Queue, runner_id: int, result: PointResult) -> Iterator[Report]:
    idle = 0
    while idle < 20:
        items = work.claim(runner_id, 4)
        idle = 0 if items else idle + 1
        if not items:
            work.advance(runner_id)
        for item in items:
            for point in item.points:
                yield Report(item, point.ordinal, image=result_image(replace(result, ordinal=point.ordinal)))
    raise RuntimeError("the desk hands out no more work")
