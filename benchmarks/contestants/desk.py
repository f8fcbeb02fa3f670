"""The desk's engine as its worker uses it: a forked child for an item, outcomes through a pipe."""

from __future__ import annotations

import gc
import os
from typing import Any

from benchmarks.contestants.serving import serve
from benchmarks.prices import series
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import Point, PointResult, RunSettings
from runners.worker.protocol import FrameReader, PointBegan, pack, write_all
from strategies.registry import published_strategies


def settings(task: dict[str, Any]) -> RunSettings:
    bars = series(*task["series"])
    return RunSettings.from_json({
        "optimization_run_id": 1, "strategy": task["strategy"], "entry_point": task["strategy"],
        "engine": "backtrader", "symbols": [one.symbol for one in bars], "timeframe": "1d",
        "start_date": "1999-01-01", "end_date": "2100-01-01", "cash": 100_000.0,
        "commission": {"percent": 0.001, "per_share": 0, "minimum": 0}, "slippage": 0, "seed": 1,
        "data_hash": "", "code_hash": "", "stock": task.get("stock", False), "seconds_per_point": 600,
        "memory_mb": 4096, "block_count": 16,
    })  # fmt: skip


def run(task: dict[str, Any]) -> list[float]:
    chosen, prices = settings(task), series(*task["series"])
    points = [Point(number, point) for number, point in enumerate(task["points"])]
    # As the worker's zygote does when prices have come.
    gc.collect()
    gc.freeze()
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            gc.set_threshold(50_000, 20, 100)
            engine = BacktraderEngine()
            began = lambda ordinal: write_all(writes, pack(PointBegan(ordinal)))  # noqa: E731
            for outcome in engine.run(chosen, prices, points, began):
                write_all(writes, pack(outcome))
                del outcome
                gc.collect()
        finally:
            os._exit(0)
    os.close(writes)
    reader, outcomes = FrameReader(), []
    while data := os.read(reads, 1 << 20):
        outcomes += [one for one in reader.feed(data) if not isinstance(one, PointBegan)]
    os.close(reads)
    os.waitpid(child, 0)
    for one in outcomes:
        assert isinstance(one, PointResult), one
    return [float(one.metrics["ending_value"]) for one in outcomes]


if __name__ == "__main__":
    # As the worker's zygote does before it forks.
    published_strategies()
    gc.collect()
    gc.freeze()
    serve(run)
