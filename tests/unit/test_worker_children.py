"""What a strategy does to its process costs the point that did it, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runners.engines.base import Point
from runners.worker.array_images import doubles
from runners.worker.executor import Executor
from runners.worker.work_items import Report, WorkItem
from runners.worker.zygote_client import ZygoteClient, ZygoteError, scrubbed
from tests.unit.outcome_fields import METRICS, SIZES, fields_of
from tests.unit.price_samples import by_hand, settings_for

HOSTILE = '''
import os, signal, socket, sys, time
import backtrader as bt

class Hostile(bt.Strategy):
    """Does what its parameter says."""
    params = (("act", "nothing"),)

    def next(self):
        if len(self) == 2:
            getattr(self, self.p.act)()

    def nothing(self): pass
    def raises(self): raise ValueError("on purpose")
    def leaves(self): sys.exit(0)
    def exits(self): os._exit(3)
    def segfaults(self): os.kill(os.getpid(), signal.SIGSEGV)
    def interrupts(self): os.kill(os.getpid(), signal.SIGINT)
    def loops(self):
        while True: pass
    def swallows(self):
        while True:
            try:
                raise SystemExit
            except BaseException:
                time.sleep(0.01)
    def allocates(self):
        self.hoard = [b"x" * 1_000_000 for _ in range(100_000)]
    def hoards(self):
        hoard = []
        while True:
            try:
                hoard.append(bytearray(os.urandom(1)) * 1_000_000)
            except MemoryError:
                time.sleep(0.01)
    def floods(self):
        for _ in range(20_000):
            print("x" * 100)
            os.write(2, b"y" * 100)
    def forks(self):
        # Both go on, so both would report; the grandchild must not.
        os.fork()
    def spawns(self):
        if os.fork() == 0:
            open(os.environ["SPAWNED"], "w").write(str(os.getpid()))
            time.sleep(60)
        while not os.path.exists(os.environ["SPAWNED"]) or not open(os.environ["SPAWNED"]).read():
            time.sleep(0.01)
        os._exit(4)
    def writes(self):
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"\\xff" * 64)
            except OSError:
                pass
    def looks(self):
        leaks = [n for n in os.environ if n.startswith(("PG", "DATABASE_URL"))]
        with open("/proc/self/environ", "rb") as file:
            leaks += [n for n in file.read().decode().split("\\0") if n.startswith(("PG", "DATABASE_URL"))]
        descriptors = [int(n) for n in os.listdir("/proc/self/fd")]
        sockets = []
        for descriptor in descriptors:
            try:
                sockets.append(os.readlink(f"/proc/self/fd/{descriptor}"))
            except OSError:
                pass
        assert not leaks, leaks
        assert not any(s.startswith("socket:") for s in sockets), sockets
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    def orders(self):
        import numpy
        self.buy(size=numpy.int64(3))
        self.sell(size=numpy.int64(3))
    def babbles(self):
        raise ValueError("\\0 and \\ud800")
    def patricide(self):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(30)
'''


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("strategies")
    (folder / "hostile.py").write_text(HOSTILE)
    return {
        **os.environ,
        "BACKDESK_STRATEGIES": str(folder),
        "SPAWNED": str(folder / "spawned.pid"),
        "PGPASSWORD": "secret",
        "DATABASE_URL": "postgresql://secret",
    }


class Bench:
    """An executor whose reports are collected instead of recorded."""

    def __init__(self, environment: dict[str, str], processes: int = 2) -> None:
        self.reports: list[Report] = []
        self.executor = Executor(processes, lambda: ZygoteClient(environment), self.reports.append)
        self._items = 0

    def play(self, *acts: str, **changes: Any) -> dict[int, Report]:
        """Run an item with a point for each act, from ordinal 1 on; returns the reports by ordinal."""
        series = by_hand([10.0, 11.0, 12.0, 13.0])
        settings = settings_for("hostile", [series], **changes)
        self._items += 1
        points = tuple(Point(ordinal, {"act": act}) for ordinal, act in enumerate(acts, start=1))
        item = WorkItem(self._items, uuid.uuid4(), 1, 1, points)
        self.executor.hold(item, settings, lambda: (series,))
        self.reports.clear()
        until = time.monotonic() + 20
        while len(self.reports) < len(acts) or any(True for _ in self.executor.held.with_child()):
            assert time.monotonic() < until, f"only {self.reports}"
            self.executor.step()
            self.executor.watch_memory()
            time.sleep(0.005)
            if self.executor.lost:
                break
        self.executor.drop(item.work_item_id)
        assert len({report.ordinal for report in self.reports}) == len(self.reports)
        return {report.ordinal: report for report in self.reports}


@pytest.fixture(scope="module")
def bench(environment: dict[str, str]) -> Iterator[Bench]:
    bench = Bench(environment)
    yield bench
    bench.executor.close()


def finished(report: Report) -> bool:
    return report.image is not None


@pytest.mark.parametrize(
    ("act", "kind", "error"),
    [
        ("raises", "strategy", "ValueError: on purpose"),
        ("leaves", "strategy", "SystemExit: 0"),
        ("exits", "crash", "the child process ended itself with exit code 3 before it had a result"),
        ("segfaults", "crash", "the child process was ended by signal 11 (SIGSEGV)"),
        ("spawns", "crash", "exit code 4"),
    ],
)
def test_a_failure_is_charged_to_its_point_and_the_others_go_on(
    bench: Bench, act: str, kind: str, error: str
) -> None:
    reports = bench.play("nothing", act, "nothing", "nothing")
    assert [finished(reports[ordinal]) for ordinal in (1, 2, 3, 4)] == [True, False, True, True]
    assert reports[2].kind == kind
    assert error in reports[2].error


def test_what_a_strategy_started_ends_with_it(bench: Bench, environment: dict[str, str]) -> None:
    path = Path(environment["SPAWNED"])
    path.unlink(missing_ok=True)
    bench.play("spawns")
    stat = Path(f"/proc/{path.read_text()}/stat")
    until = time.monotonic() + 5
    while stat.exists() and stat.read_text().split()[2] != "Z" and time.monotonic() < until:
        time.sleep(0.01)
    assert not stat.exists() or stat.read_text().split()[2] == "Z"


@pytest.mark.parametrize("act", ["loops", "swallows"])
def test_an_endless_loop_is_ended_by_its_deadline(bench: Bench, act: str) -> None:
    reports = bench.play("nothing", act, "nothing", seconds_per_point=0.5)
    assert reports[2].kind == "deadline"
    assert "seconds_per_point is 0.5" in reports[2].error
    assert finished(reports[1])
    assert finished(reports[3])


@pytest.mark.parametrize("act", ["allocates", "hoards"])
def test_a_memory_hog_is_stopped(bench: Bench, act: str) -> None:
    reports = bench.play(act, "nothing", memory_mb=64)
    assert reports[1].kind == "memory"
    assert finished(reports[2])


@pytest.mark.parametrize("act", ["interrupts", "floods", "looks", "forks"])
def test_these_do_no_harm(bench: Bench, act: str) -> None:
    reports = bench.play("nothing", act, "nothing")
    assert all(map(finished, reports.values())), reports


def test_noise_in_the_pipe_costs_the_point_that_made_it(bench: Bench) -> None:
    reports = bench.play("nothing", "writes", "nothing")
    assert [finished(reports[ordinal]) for ordinal in (1, 2, 3)] == [True, False, True]
    assert reports[2].kind == "crash"


def test_numbers_of_numpy_become_plain_ones(bench: Bench) -> None:
    image = bench.play("orders")[1].image
    assert image is not None
    fields = fields_of(image)
    assert json.loads(fields[METRICS][1:])["total_orders"] == 2
    assert fields[SIZES] == doubles([3.0])


def test_an_error_can_be_stored_as_text(bench: Bench) -> None:
    assert bench.play("babbles")[1].error.startswith("ValueError: ? and ? (bar 2 of 4, 2020-01-02, X)\n")


def test_an_item_that_is_dropped_reports_nothing_more(bench: Bench) -> None:
    series = by_hand([10.0, 11.0, 12.0])
    settings = settings_for("hostile", [series])
    item = WorkItem(99, uuid.uuid4(), 1, 1, (Point(1, {"act": "loops"}),))
    bench.executor.hold(item, settings, lambda: (series,))
    bench.reports.clear()
    for _ in range(20):
        bench.executor.step()
        time.sleep(0.01)
    bench.executor.drop(99)
    reports = bench.play("nothing")
    assert list(reports) == [1]


def test_a_zygote_that_dies_costs_what_ran_and_is_replaced(environment: dict[str, str]) -> None:
    bench = Bench(environment, processes=1)
    try:
        reports = bench.play("patricide", "nothing")
        assert bench.executor.lost
        assert {ordinal: report.kind for ordinal, report in reports.items()} == {1: "infrastructure"}
        bench.executor.restart()
        assert finished(bench.play("nothing")[1])
    finally:
        bench.executor.close()


def test_children_die_with_the_zygote_and_it_with_the_worker(environment: dict[str, str]) -> None:
    client = ZygoteClient(environment)
    os.kill(client.pid, signal.SIGINT)
    client.send("anything")
    time.sleep(0.05)
    assert Path(f"/proc/{client.pid}").exists()
    client.close()
    with pytest.raises((ZygoteError, OSError)):
        client.send("anything")
    assert not Path(f"/proc/{client.pid}").exists()


def test_a_strategy_file_that_cannot_be_used_stops_nothing_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    client = ZygoteClient({**os.environ, "BACKDESK_STRATEGIES": str(tmp_path)})
    ready = client.ready
    client.close()
    assert "sma_crossover" in {one["name"] for one in ready.strategies}
    (broken,) = ready.broken
    assert broken["file"] == str(tmp_path / "broken.py")
    assert "broken.py, line 1, cannot be loaded: ZeroDivisionError" in str(broken["fault"])


def test_a_folder_of_strategies_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ZygoteError, match="which is no folder"):
        ZygoteClient({**os.environ, "BACKDESK_STRATEGIES": str(tmp_path / "nowhere")}).ready  # noqa: B018


def test_the_environment_of_children_does_not_lead_to_the_database() -> None:
    kept = scrubbed({"PGHOST": "h", "PGPASSFILE": "f", "DATABASE_URL": "u", "HOME": "/home", "PATH": "/bin"})
    assert {name for name in kept if name.startswith(("PG", "DATABASE"))} == set()
    assert kept["HOME"] == "/home"
    assert kept["OPENBLAS_NUM_THREADS"] == "1"
