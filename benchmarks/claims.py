"""(e) What a claim costs as the queue grows: ten thousand to a million items that wait, as many that have
ended, and a snapshot that keeps whatever was claimed since.

Each size is a database of its own on one server, and each round goes over all of them in turn. Buffers are
those of everything that the claim calls.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.desk import SMA_1000
from benchmarks.desk import Desk as BenchmarkDesk
from benchmarks.desk import desk as benchmark_desk
from benchmarks.rounds import markdown, spread
from runners.jobs.queueing import queue, read_configs
from runners.worker.queue import Queue, Runner
from strategies.registry import published_strategies
from testing.desks import Desk, clone

SIZES = (10_000, 100_000, 1_000_000)
LIMITS = (1, 10)
POINTS = 1000
FILL = """
insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal, state)
select r.id, 1 + n % {points}, 1 + n % {points}, case when n <= {items} then 'done' else 'waiting' end
from desk.optimization_runs as r, generate_series(1, 2 * {items}) as n
"""
# What so many claims leave behind: a mark that has moved on, and below it entries that an old snapshot keeps.
CLAIMED = """
with gone as (
  update desk.work_items set state = 'done' where id in (
    select id from desk.work_items where state = 'waiting' order by id limit %s) returning id)
update desk.run_progress set claim_from = (select max(id) + 1 from gone)
"""


@contextmanager
def queued(here: BenchmarkDesk, items: int, *, snapshot: bool) -> Iterator[Claims]:
    """A database with so many items waiting and as many done; under an old snapshot, half of those that
    waited have been claimed and have ended."""
    with ExitStack() as stack:
        copy = stack.enter_context(clone(Desk(here.settings)))
        with copy.connect("admin") as admin:
            admin.execute(FILL.format(points=POINTS, items=items).encode())
            admin.execute("vacuum analyze desk.work_items")
            if snapshot:
                old = stack.enter_context(copy.connect("admin", autocommit=False))
                old.execute("set transaction isolation level repeatable read")
                old.execute("select count(*) from desk.jobs")
                admin.execute(CLAIMED, (items // 2,))
        yield Claims(copy, stack)


class Claims:
    def __init__(self, desk: Desk, stack: ExitStack) -> None:
        self._session = stack.enter_context(desk.connect("runner"))
        strategies = tuple(published_strategies())
        self._runner = Queue(self._session).register(
            Runner("bench", os.getpid(), "bench", ("backtrader",), 1, "bench", False, strategies)
        )

    def microseconds(self, limit: int) -> float:
        """One claim, at the client."""
        call = "select * from desk.claim_work(%s::bigint, %s::int)"
        began = time.perf_counter()
        found = self._session.execute(call, (self._runner, limit)).fetchall()
        took = 1_000_000 * (time.perf_counter() - began)
        if len(found) != limit:
            raise RuntimeError(f"{len(found)} items were claimed instead of {limit}")
        return took

    def buffers(self, limit: int) -> int:
        """Buffers that one claim touches."""
        call = f"select * from desk.claim_work({self._runner}, {limit})"
        row = self._session.execute(f"explain (analyze, buffers, format json) {call}".encode()).fetchone()
        assert row is not None
        plan = row[0][0]["Plan"]
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def tables(quick: bool) -> Iterator[str]:
    sizes = SIZES[:2] if quick else SIZES
    rounds, claims = (1, 10) if quick else (7, 50)
    with benchmark_desk() as here, ExitStack() as stack:
        with here.connect("director") as director:
            queue(director, read_configs([here.config("claims", SMA_1000, seed=1)]), force=True)
        # The template of a database may have no sessions.
        director.close()
        competitors = {
            (items, snapshot): stack.enter_context(queued(here, items, snapshot=snapshot))
            for snapshot in (False, True)
            for items in sizes
        }
        for limit in LIMITS:
            yield _table(competitors, limit, rounds, claims)


def _table(competitors: dict[tuple[int, bool], Claims], limit: int, rounds: int, claims: int) -> str:
    times: dict[tuple[int, bool], list[float]] = {key: [] for key in competitors}
    buffers: dict[tuple[int, bool], list[int]] = {key: [] for key in competitors}
    for _ in range(rounds):
        for key, one in competitors.items():
            # The first ones of a round find nothing in the processor's cache.
            found = [one.microseconds(limit) for _ in range(claims)][2:]
            times[key].append(statistics.median(found))
            buffers[key] += [one.buffers(limit) for _ in range(3)]
    first = next(iter(times.values()))
    lines = []
    for (items, snapshot), found in times.items():
        ratios = [one / least for one, least in zip(found, first, strict=True)]
        name = f"{items:,} waiting, {items:,} ended"
        if snapshot:
            half = f"{items // 2:,}"
            name = f"{half} waiting, {3 * items // 2:,} ended, {half} of them under an open snapshot"
        lines.append((name, spread(found, 0), spread(ratios, 2), spread(buffers[items, snapshot], 0)))
    what = "one item" if limit == 1 else f"{limit} items"
    title = (
        f"`claim_work` of {what} of one point, in a session of its own; {rounds} rounds in turn, of each the "
        f"median of {claims - 2} claims"
    )
    heads = ("", "us a claim: min / median / max", "ratio: min / median / max", "buffers: min / median / max")
    return f"{title}\n\n{markdown(heads, lines)}"
