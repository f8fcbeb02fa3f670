"""A child: runs the points of one work item, reports each through its pipe, and ends.

It is forked from the zygote, so it has no connection and no password; here it also gives up every descriptor
but its pipe, the terminal, and the right to take more memory than its run allows.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from backdesk.project import stay
from runners.engines.base import AdjustedPrices, Engine, PointFailure, PointResult
from runners.engines.error_text import error_text
from runners.settings import Settings
from runners.worker.block_image import block_image
from runners.worker.point_folder import PointFolder
from runners.worker.process_limits import die_with_parent, limit_memory, no_core_dumps
from runners.worker.protocol import BlockFinished, PointBegan, PointFinished, StartChild, pack, write_all
from runners.worker.result_image import result_image
from runners.worker.session_log import SessionLog
from strategies import run_context
from strategies.session_days import session_days

# The watch of the worker counts pages in use; this limit counts what was asked for, so it stands behind.
MEMORY_SLACK = 1.5
BULK = "bulk"
"""The engine of runs whose points are recorded in blocks."""


def run_child(
    order: StartChild,
    pipe: int,
    zygote: int,
    engines: Mapping[str, Engine],
    prices: Sequence[AdjustedPrices] | None,
) -> NoReturn:
    """Never returns: what the zygote would do next is not for a child to do."""
    status = 1
    try:
        _isolate(pipe, zygote, order.settings.memory_mb)
        _run(order, pipe, engines, prices)
        status = 0
    finally:
        # Not sys.exit: handlers that the zygote's modules registered are not the child's to run.
        os._exit(status)


def _isolate(pipe: int, zygote: int, memory_mb: float) -> None:
    die_with_parent(zygote)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A group of its own, so that processes which a strategy starts end with it.
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))
    # A process that a strategy forks runs on in this code; without the pipe it cannot report a point twice.
    os.register_at_fork(after_in_child=lambda: os.close(pipe))
    no_core_dumps()
    limit_memory(memory_mb * MEMORY_SLACK)


def _run(
    order: StartChild, pipe: int, engines: Mapping[str, Engine], prices: Sequence[AdjustedPrices] | None
) -> None:
    if prices is None:
        raise LookupError(f"prices {order.prices_key} were not loaded")

    log = SessionLog(pipe)
    stay()
    own = PointFolder(Settings.from_environment().home / "output", order.settings.optimization_run_id)
    # The worker is told of an outcome together with the next point, so as not to wake up twice in between.
    untold = b""

    def began(ordinal: int) -> None:
        nonlocal untold
        log.begin(ordinal)
        own.enter(ordinal)
        write_all(pipe, untold + pack(PointBegan(ordinal)))
        untold = b""

    # Orders are many small objects that live as long as their point, after which everything is collected.
    gc.set_threshold(50_000, 20, 100)
    engine = engines[order.settings.engine if order.plan is None else BULK]
    run_context.set_current(
        run_context.RunContext(
            order.settings.risk_limits,
            log.buffer,
            session_days(order.settings.session_days),
            order.settings.sessions_a_year,
        )
    )
    try:
        if order.plan is not None:
            _run_ranges(order, pipe, engine, prices, began)
            return
        points: Any = order.points
        for outcome in engine.run(order.settings, prices, points, began):
            log.end(outcome)
            untold = _frame(outcome)
            if outcome.ordinal == order.points[-1].ordinal:
                return
            del outcome
            # A finished Cerebro is one big cycle; it must not count against the next point's memory.
            gc.collect()
    finally:
        own.leave()
        write_all(pipe, untold)


def _run_ranges(
    order: StartChild, pipe: int, engine: Any, prices: Sequence[AdjustedPrices], began: Callable[[int], None]
) -> None:
    """Points of a run in bulk, a block a range."""
    plan = order.plan
    assert plan is not None
    settings = replace(order.settings, block_count=int(plan["block_count"]))
    clock = time.perf_counter()
    for points, block, sessions in engine.ranges(settings, prices, plan, order.points, began):
        now = time.perf_counter()
        image = block_image(points, block, sessions, now - clock, int(plan["sampled_below"]))
        write_all(pipe, pack(BlockFinished(points.ordinal, image)))
        clock = now


def _frame(outcome: PointResult | PointFailure) -> bytes:
    try:
        if isinstance(outcome, PointFailure):
            return pack(outcome)
        return pack(PointFinished(outcome.ordinal, result_image(outcome)))
    except MemoryError:
        return pack(PointFailure(outcome.ordinal, "memory", "MemoryError while reporting the result"))
    # A value of another type than the database has for it, such as a text where a number belongs.
    except Exception as error:
        text = f"the result cannot be recorded: {error_text(error)}"
        return pack(PointFailure(outcome.ordinal, "strategy", text))
