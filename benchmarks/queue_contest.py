"""(d) The queue with work that does nothing, against pgqueuer and procrastinate on the same server.

Every process waits warm for its turn. Jobs are made before the clock begins. The desk's clock runs from the
first claim to the last recorded outcome; the others' from their first job's start to their last job's.
"""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import processor_time
from benchmarks.contest import Contestant, contestants, script
from benchmarks.desk import Desk, desk
from benchmarks.peers import QUEUES, peers
from benchmarks.rounds import markdown, measure, spread
from runners.database import passwords
from runners.database.connection import environment

PEERS = ("pgqueuer", "procrastinate")
BATCHES = (10, 50)
PROCESSES = (1, 2)
CONFIG = {
    "strategy": "bench_idle",
    "symbols": ["GOOG"],
    "start_date": "2013-01-02",
    "end_date": "2013-01-15",
    "keep_series": "passed",
    "success_criteria": {"min_trades": 1},
}
SEARCH = "insert into desk.jobs (strategy, config) values (null, %s) returning id"
# Past the director: all items at once, none left to be cut.
CUT = """
with cut as (update desk.run_progress set cut = total where optimization_run_id = (
  select r.id from desk.optimization_runs as r where r.job_id = %(job)s) returning optimization_run_id, total)
insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal)
select c.optimization_run_id, n, n + %(size)s - 1 from cut as c, generate_series(1, c.total, %(size)s) as n
"""
# A job each: with its first task a job is done.
TASKS = """
insert into desk.jobs (kind, config)
select 'load_prices', jsonb_build_object('source', 'sample', 'symbols', jsonb_build_array('S' || n))
from generate_series(1, %s) as n
"""
# Nobody loads anything. With a number of its own, since an identical job is refused while one is open.
TASK = """
insert into desk.jobs (kind, config) values ('load_prices', '{"source": "sample", "symbols": ["@"]}')
"""
ITEM = """
with made as (insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal)
  select r.id, 1 + @, 1 + @ from desk.optimization_runs as r where r.job_id = {job})
select pg_notify('desk_work', '')
"""
METHOD = """\
Work that does nothing; {server}, synchronous_commit {commit}, fsync {fsync}; processes a queue: {count};
batch: {batch}; {jobs} jobs a round of procrastinate's and of the desk with results, else {many}; {rounds}
rounds in turn. The desk records a batch and claims the next by one statement, and stores and judges a result
a point; *the queue alone* does the same and leaves the result out. pgqueuer moves jobs to its log;
procrastinate has {batch} jobs in hand, and fetches and updates each by itself."""


@dataclass(frozen=True)
class Race:
    """Jobs a second; microseconds of CPU a job, of the competitor's processes and of all of the server's."""

    rate: float
    client: float
    server: float


@dataclass(frozen=True)
class Sizes:
    rounds: int
    jobs: int
    many: int
    singles: int
    sends: int


class Arena:
    """A desk, the peers' databases on its server, and two processes of each that wait."""

    def __init__(self, here: Desk, admin: psycopg.Connection[Any], running: dict[str, Contestant]) -> None:
        self._director = here.connect("director")
        self._admin = admin
        self._running = running
        self._seeds = itertools.count(1)
        self._threads = ThreadPoolExecutor(2 * len(PROCESSES))
        for name in PEERS:
            if f"{name} 1" in running:
                running[f"{name} 1"].answer({"do": "install"})

    def tell(self, name: str, task: dict[str, Any]) -> None:
        self._running[f"{name} 1"].answer(task)

    def race(self, name: str, count: int, jobs: int, task: dict[str, Any]) -> Race:
        """The same task to so many processes of a competitor at once; each says how many jobs it did, when it
        began and when it ended."""
        before = processor_time.of_server(self._admin)
        asked = [
            self._threads.submit(self._running[f"{name} {number}"].answer, task)
            for number in range(1, count + 1)
        ]
        answers = [one.result() for one in asked]
        server = processor_time.of_server(self._admin) - before
        took_part = [one.values for one in answers if one.values[0]]
        done = sum(one[0] for one in took_part)
        if done != jobs:
            raise RuntimeError(f"{name} did {done:.0f} of {jobs} jobs")
        seconds = max(one[2] for one in took_part) - min(one[1] for one in took_part)
        return Race(done / seconds, 1e6 * sum(one.cpu for one in answers) / done, 1e6 * server / done)

    def pair(self, name: str, listen: dict[str, Any], send: dict[str, Any]) -> list[float]:
        """Milliseconds from before the insert in one process to the work's start in the other."""
        listening = self._threads.submit(self._running[f"{name} 1"].answer, {"do": "listen", **listen})
        sent = self._running[f"{name} 2"].answer({"do": "send", **send}).values
        starts = listening.result().values
        # The first wake connections and plans.
        found = [1000 * (start - at) for at, start in zip(sent, starts, strict=True)]
        return found[len(found) // 10 :]

    # What there is to do

    def search(self, points: int) -> int:
        """A job of so many points that nothing is known of; other jobs' left-overs are cancelled."""
        self.clear()
        config = CONFIG | {"seed": next(self._seeds), "optimization": {"parameters": _grid(points)}}
        return int(self._one(self._director, SEARCH, json.dumps(config)))

    def item_points(self, points: int) -> None:
        """How many points an item has, which else follows from what a point takes."""
        values = {"item_seconds": "0" if points == 1 else "2", "max_item_points": str(points)}
        for name, value in values.items():
            self._admin.execute(
                "update desk.settings set value = %s::jsonb where name = %s", (value, name)
            )

    def clear(self) -> None:
        open_jobs = "select id from desk.jobs where is_open"
        for (job,) in self._admin.execute(open_jobs).fetchall():
            self._director.execute("select desk.cancel_job(%s)", (job,))

    def cut(self, points: int, size: int) -> None:
        """A search of so many points, all cut into items of a size."""
        self._admin.execute(CUT, {"job": self.search(points), "size": size})

    def tasks(self, count: int) -> None:
        self.clear()
        self._director.execute(TASKS, (count,))

    def statement(self, kind: str) -> str:
        """What one insert of a kind is; @ stands for its number."""
        match kind:
            case "task":
                self.clear()
                return TASK
            case "item":
                return ITEM.format(job=self.search(1000))
        self.clear()
        parameters = {"one": ["@"], "other": [next(self._seeds)]}
        config = json.dumps(CONFIG | {"optimization": {"parameters": parameters}})
        return f"insert into desk.jobs (strategy, config) values (null, '{config}')".replace('"@"', "@")

    def server(self) -> dict[str, str]:
        names = {"commit": "synchronous_commit", "fsync": "fsync", "version": "server_version"}
        found = {key: str(self._one(self._admin, f"show {name}")) for key, name in names.items()}
        return found | {"server": f"PostgreSQL {found['version'].split()[0]}"}

    @staticmethod
    def _one(connection: psycopg.Connection[Any], statement: str, *values: object) -> Any:
        row = connection.execute(statement.encode(), values).fetchone()
        assert row is not None
        return row[0]


def _grid(points: int) -> dict[str, dict[str, int]]:
    return {
        "one": {"start": 1, "end": points // 100, "step": 1},
        "other": {"start": 1, "end": 100, "step": 1},
    }


def tables(quick: bool) -> Iterator[str]:
    sizes = Sizes(1, 300, 2000, 100, 20) if quick else Sizes(5, 2000, 20_000, 500, 110)
    python, why = peers(QUEUES, "queues")
    if python is None:
        yield why
        return
    with desk() as here, here.connect("admin") as admin:
        admin.execute("update desk.settings set value = '0' where name = 'pilot_points'")
        scripts, environments = _processes(here, admin, python)
        with contestants(scripts, environments) as running:
            arena = Arena(here, admin, running)
            for count, batch in itertools.product(PROCESSES, BATCHES):
                yield _throughput(arena, sizes, count, batch)
            yield _singles(arena, sizes)
            yield _latency(arena, sizes)


def _processes(
    here: Desk, admin: psycopg.Connection[Any], python: Path
) -> tuple[dict[str, list[str]], dict[str, dict[str, str]]]:
    scripts, environments = {}, {}
    for number in (1, 2):
        scripts[f"desk {number}"] = script("queue_desk")
        environments[f"desk {number}"] = {"BACKDESK_HOME": str(here.settings.home)}
    for name in PEERS:
        admin.execute(f"create database queue_{name}".encode())
        variables = environment("admin", settings=here.settings) | {"PGDATABASE": f"queue_{name}"}
        # They make their tables where the path begins, which must not be the desk's.
        del variables["PGOPTIONS"]
        # asyncpg looks for a socket's password under another name than libpq.
        variables["PGPASSWORD"] = passwords.read(Path(variables["PGPASSFILE"]))[variables["PGUSER"]]
        for number in (1, 2):
            scripts[f"{name} {number}"] = script(f"queue_{name}", python)
            environments[f"{name} {number}"] = variables
    return scripts, environments


def _throughput(arena: Arena, sizes: Sizes, count: int, batch: int) -> str:
    ours = {"do": "drain", "claim": batch, "batch": batch}

    def one_point() -> Race:
        arena.item_points(1)
        arena.search(sizes.jobs)
        return arena.race("desk", count, sizes.jobs, ours)

    def whole_items() -> Race:
        arena.item_points(batch)
        arena.search(sizes.jobs)
        return arena.race("desk", count, sizes.jobs, ours | {"claim": 1})

    def alone() -> Race:
        arena.cut(sizes.many, 1)
        return arena.race("desk", count, sizes.many, ours | {"do": "settle"})

    def whole_items_alone() -> Race:
        arena.cut(sizes.many, batch)
        return arena.race("desk", count, sizes.many, ours | {"do": "settle", "claim": 1})

    found = _compared(
        {
            "desk, items of one point": one_point,
            f"desk, items of {batch} points": whole_items,
            "desk, the queue alone, items of one point": alone,
            f"desk, the queue alone, items of {batch} points": whole_items_alone,
            "pgqueuer": _peer(arena, "pgqueuer", count, batch, sizes.many),
            "procrastinate": _peer(arena, "procrastinate", count, batch, sizes.jobs),
        },
        sizes.rounds,
    )
    return f"{_method(arena, sizes, count, batch)}\n\n{found}"


def _singles(arena: Arena, sizes: Sizes) -> str:
    """One at a time."""

    def tasks() -> Race:
        arena.tasks(sizes.singles)
        return arena.race("desk", 1, sizes.singles, {"do": "tasks", "jobs": sizes.singles})

    def points() -> Race:
        arena.item_points(1)
        arena.search(sizes.singles)
        return arena.race("desk", 1, sizes.singles, {"do": "drain", "claim": 1, "batch": 1})

    found = _compared(
        {
            "desk, tasks (claim_task, complete_task)": tasks,
            "desk, items of one point": points,
            "pgqueuer": _peer(arena, "pgqueuer", 1, 1, sizes.singles),
            "procrastinate": _peer(arena, "procrastinate", 1, 1, sizes.singles),
        },
        sizes.rounds,
    )
    return f"One at a time, one process, {sizes.singles} jobs a round\n\n{found}"


def _peer(arena: Arena, name: str, count: int, batch: int, jobs: int) -> Callable[[], Race]:
    def compete() -> Race:
        arena.tell(name, {"do": "fill", "jobs": jobs})
        return arena.race(name, count, jobs, {"do": "drain", "batch": batch})

    return compete


def _method(arena: Arena, sizes: Sizes, count: int, batch: int) -> str:
    return METHOD.replace("\n", " ").format(
        count=count, batch=batch, jobs=f"{sizes.jobs:,}", many=f"{sizes.many:,}", rounds=sizes.rounds,
        **arena.server(),
    )  # fmt: skip


def _compared(competitors: Mapping[str, Callable[[], Race]], rounds: int) -> str:
    """Rates, their ratios to either peer's of the same round, and what a job takes of the processors."""
    races: dict[str, list[Race]] = {name: [] for name in competitors}

    def rate_of(name: str, compete: Callable[[], Race]) -> Callable[[], float]:
        def rate() -> float:
            races[name].append(compete())
            return races[name][-1].rate

        return rate

    rows = measure({name: rate_of(name, compete) for name, compete in competitors.items()}, rounds)
    rates = {row.name: row.rates for row in rows}
    lines = []
    for row in rows:
        ratios = [
            spread([own / theirs for own, theirs in zip(row.rates, rates[peer], strict=True)], 2)
            for peer in PEERS
        ]
        # Without the round that warms up.
        last = races[row.name][-rounds:]
        cpu = (spread([one.client for one in last], 0), spread([one.server for one in last], 0))
        lines.append((row.name, spread(row.rates, 0), *ratios, *cpu))
    ratios_to = [f"times {peer}'s" for peer in PEERS]
    heads = ("jobs a second", *ratios_to, "client CPU us a job", "server CPU us a job")
    return markdown(("", *(f"{head}: min / median / max" for head in heads)), lines)


def _latency(arena: Arena, sizes: Sizes) -> str:
    arena.item_points(1)
    sends = {"jobs": sizes.sends}
    competitors: dict[str, Callable[[], list[float]]] = {
        "desk, an item and NOTIFY to claim_work": lambda: _ours(arena, "item", sizes.sends),
        "desk, a job of a task to claim_task": lambda: _ours(arena, "task", sizes.sends),
        "desk, a job of a search to claim_work": lambda: _ours(arena, "search", sizes.sends),
        "pgqueuer": lambda: arena.pair("pgqueuer", sends | {"batch": 10}, sends),
        "procrastinate": lambda: arena.pair("procrastinate", sends | {"batch": 10}, sends),
    }
    middle: dict[str, list[float]] = {name: [] for name in competitors}
    worst: dict[str, list[float]] = {name: [] for name in competitors}
    for _ in range(sizes.rounds):
        for name, compete in competitors.items():
            found = sorted(compete())
            middle[name].append(statistics.median(found))
            worst[name].append(found[min(len(found) - 1, int(0.99 * len(found)))])
    lines = [(name, spread(middle[name], 2), spread(worst[name], 2)) for name in competitors]
    title = (
        f"From before the insert to the start of the work: one process inserts {sizes.sends} times with "
        f"pauses of 30 to 90 ms, another one is idle; {sizes.rounds} rounds in turn. A job of a search is "
        "validated, counted and planned by its insert, and cut by the runner that comes for it."
    )
    return f"{title}\n\n{markdown(('', 'ms, p50: min / median / max', 'ms, p99: min / median / max'), lines)}"


def _ours(arena: Arena, kind: str, sends: int) -> list[float]:
    statement = arena.statement(kind)
    return arena.pair("desk", {"jobs": sends, "kind": kind}, {"jobs": sends, "statement": statement})
