"""The worker's loop: claims, executes, records, until there is nothing left or somebody stops it.

It decides nothing: what is claimable, what a failure costs and when a run is over is for SQL to say. It holds
the only connection, and goes on executing while that is lost.
"""

from __future__ import annotations

import random
import select
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import psycopg

from runners.engines.base import PointRange, RunSettings
from runners.worker.executor import Executor
from runners.worker.interrupts import Interrupts
from runners.worker.link import CONNECTION_ERRORS, Link
from runners.worker.outbox import Answers, Outbox
from runners.worker.outcomes import call
from runners.worker.progress import Standing, WorkProgress
from runners.worker.queue import Queue, Runner
from runners.worker.reloading import Reloading, tell_broken
from runners.worker.tasks import TaskSlot
from runners.worker.work_items import Report, WorkItem
from runners.worker.zygote_client import ZygoteClient
from strategies.own_files import OwnFiles

HEARTBEAT_SECONDS = 5.0
POLL_SECONDS = 2.0
BEATS = 6
"""Heartbeats in a lease at the least."""
REAP_SECONDS = 10.0
CHORES_SECONDS = 5.0
WATCH_SECONDS = 0.25
LINGER_SECONDS = 0.06
"""What children tell in the middle of their items may come together: each wake costs as much as a result."""
ADVANCE_SECONDS = 0.5
FINISH_SECONDS = 0.25
GIVEN_BACK = 130
TERMINATED = 143


class Every:
    """True once an interval; jittered, so that workers started together do not knock together."""

    def __init__(self, seconds: float, *, jitter: float = 0.0) -> None:
        self._seconds = seconds
        self._jitter = jitter
        self._next = 0.0

    def due(self, now: float) -> bool:
        if now < self._next:
            return False
        self._next = now + self._seconds * (1 + random.uniform(-self._jitter, self._jitter))
        return True

    def soon(self) -> None:
        self._next = 0.0


class Loop:
    """One worker process. `run` returns the exit code."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        describe: Callable[[ZygoteClient], Runner],
        *,
        processes: int,
        drain: bool = False,
        stock: bool = False,
        progress: WorkProgress | None = None,
        start_zygote: Callable[[], ZygoteClient] = ZygoteClient,
        zygote: ZygoteClient | None = None,
        files: OwnFiles | None = None,
    ) -> None:
        """`zygote` is the first, where it was started already; `start_zygote` makes those that are needed.

        `files` were looked at before that.
        """
        self._link = Link(connect)
        self._processes = processes
        self._drain = drain
        self._progress = progress or WorkProgress()
        self._outbox = Outbox(self._answered)
        self._tasks = TaskSlot(self._progress.say)
        self._reloading = Reloading(files or OwnFiles(), start_zygote, self._progress.say)
        # The zygote comes first: it gets ready while there is a connection to make.
        self._executor = Executor(processes, start_zygote, self._outbox.add, stock=stock, zygote=zygote)
        self._describe = describe
        self._runner_id = 0
        self._settings: dict[int, RunSettings] = {}
        self._plans: dict[int, dict[str, Any]] = {}
        self._heartbeat = Every(HEARTBEAT_SECONDS)
        self._poll = Every(POLL_SECONDS, jitter=0.5)
        self._poll_tasks = Every(POLL_SECONDS, jitter=0.5)
        self._chores = Every(CHORES_SECONDS, jitter=0.5)
        self._reap = Every(REAP_SECONDS, jitter=0.3)
        self._watch = Every(WATCH_SECONDS)
        self._advance = Every(ADVANCE_SECONDS)
        self._count = Every(1.0)
        self._finish = Every(FINISH_SECONDS)
        self._ready: set[int] = set()
        """Descriptors that had something to read when the loop woke up."""
        self._recorded_since_advance = False
        self._stopping = False
        self._done = self._failed = self._left = 0

    def run(self) -> int:
        try:
            queue = self._link.open()
            self._connected(queue)
            self._runner_id = queue.register(self._describe(self._executor.zygote))
            with Interrupts() as interrupts, self._progress:
                tell_broken(self._executor.zygote, self._progress.say)
                return self._serve(interrupts)
        finally:
            self._tasks.clear()
            self._reloading.close()
            self._executor.close()
            self._link.close()

    def _serve(self, interrupts: Interrupts) -> int:
        try:
            while True:
                if interrupts.terminated or interrupts.interrupts > 1:
                    return self._give_back(TERMINATED if interrupts.terminated else GIVEN_BACK)
                if interrupts.interrupts and not self._stopping:
                    self._stopping = True
                    self._progress.say("finishing what runs; Ctrl-C again gives it back")
                if self._stopping:
                    self._drop_unstarted()
                self._executor.step(self._ready)
                now = time.monotonic()
                if self._watch.due(now):
                    self._executor.watch_memory()
                if self._with_database(now):
                    return 0
                self._wait(interrupts)
        except BaseException:
            self._give_back(1)
            raise

    # Waiting

    def _wait(self, interrupts: Interrupts) -> None:
        """Until there is something to read, or to do anyway."""
        queue = self._link.queue
        poll = select.poll()
        for watched in (interrupts, *self._executor.urgent(), *self._reloading.urgent(), queue):
            if watched is not None:
                poll.register(watched.fileno(), select.POLLIN)
        told = queue is not None and queue.noticed
        if self._executor.amid_items() and not told:
            poll.poll(1000 * LINGER_SECONDS)
        for pipe in self._executor.pipes():
            poll.register(pipe.fileno(), select.POLLIN)
        timeout = 0.0 if told else 0.05 if len(self._outbox) else WATCH_SECONDS
        self._ready = {descriptor for descriptor, _ in poll.poll(1000 * timeout)}
        if interrupts.fileno() in self._ready:
            interrupts.drain()

    # Database

    def _with_database(self, now: float) -> bool:
        """Everything that needs the connection; True when the work is over."""
        if self._link.queue is None:
            if not self._link.reopened():
                # With nothing left to tell, the end need not wait for the server.
                return self._stopping and self._holds_nothing()
            self._connected(self._link.queue)
            self._progress.say("connected again")
        queue = self._link.queue
        assert queue is not None
        try:
            self._exchange(queue, now)
            return self._finished(queue, now)
        except CONNECTION_ERRORS as error:
            self._link.close()
            self._progress.say(f"the connection is lost ({_first_line(error)}); trying again")
            return False

    def _exchange(self, queue: Queue, now: float) -> None:
        if (queue.noticed or queue.fileno() in self._ready) and queue.notified():
            self._poll.soon()
            self._poll_tasks.soon()
        if self._executor.lost:
            self._outbox.flush(queue)
            # Names nothing any more, so that everything is given back.
            self._beat(queue)
            changed = self._reloading.forget()
            self._executor.restart()
            if changed:
                self._register_again(queue, self._executor.zygote)
        if self._heartbeat.due(now):
            self._beat(queue)
        # What would join the batch is not on its way where nothing runs.
        if self._outbox.due(now) or self._executor.idle:
            self._record(queue)
        if self._recorded_since_advance and self._advance.due(now):
            self._recorded_since_advance = False
            if queue.advance(self._runner_id):
                self._poll.soon()
        if self._reap.due(now) and queue.reap():
            self._poll.soon()
        if self._chores.due(now):
            queue.do_chores()
        self._reloading.step(queue, self._runner_id, now)
        if self._reloading.due is not None and self._holds_nothing():
            self._register_again(queue, self._reloading.due)
        self._claim(queue, now)
        self._tend_task(queue, now)
        if self._count.due(now):
            self._take_stock(queue)

    def _register_again(self, queue: Queue, zygote: ZygoteClient) -> None:
        """Be a new runner, with the strategies' files as this zygote has read them."""
        before = self._runner_id
        # Should the connection break, the old number is still good, and this is tried again.
        self._runner_id = queue.register(self._describe(zygote))
        if zygote is not self._executor.zygote:
            self._executor.restart(zygote)
            self._reloading.taken()
            self._progress.say("the strategies' files have changed: they were read again")
        self._poll.soon()
        queue.stop(before)

    def _beat(self, queue: Queue) -> None:
        running = [*self._executor.held.running(), *self._tasks.running()]
        gone = queue.heartbeat(self._runner_id, running, self._executor.memory_megabytes())
        for work_item_id, reason in gone.items():
            self._tasks.lose(work_item_id, reason)
            held = self._executor.held.get(work_item_id)
            if held is not None:
                self._lose(held.item, reason)

    def _connected(self, queue: Queue | None) -> None:
        if queue is not None:
            self._heartbeat = Every(min(HEARTBEAT_SECONDS, max(0.1, queue.lease_seconds / BEATS)))
            self._reap = Every(min(REAP_SECONDS, max(0.2, queue.lease_seconds / 2)), jitter=0.3)

    def _drop_unstarted(self) -> None:
        """What has not begun is for others; the heartbeat, which names it no more, gives it back."""
        unstarted = [held for held in self._executor.held if held.child is None and held.untouched]
        for held in unstarted:
            self._executor.drop(held.item.work_item_id)
        if unstarted:
            self._heartbeat.soon()

    def _lose(self, item: WorkItem, reason: str) -> None:
        self._executor.drop(item.work_item_id)
        self._outbox.forget(item)
        self._progress.say(f"work item {item.work_item_id} is no longer held: {reason}")

    def _room(self, told: Sequence[Report] = ()) -> int:
        """How many items to claim once these outcomes are recorded.

        Twice as many as run are held, so that no child waits for the database.
        """
        self._reloading.look()
        if self._stopping or self._reloading.hold_claims:
            return 0
        ordinals: dict[int, set[int]] = {}
        for report in told:
            ordinals.setdefault(report.item.work_item_id, set()).add(report.ordinal)
        held = self._executor.held
        over = sum(1 for one in held if one.unrecorded <= ordinals.get(one.item.work_item_id, set()))
        return 2 * self._processes - len(held) + over

    def _record(self, queue: Queue) -> None:
        """Hand over outcomes, and claim in the same call where they make room."""
        claimed: list[WorkItem] = []

        def record(batch: list[Report]) -> Answers:
            room = self._room(batch)
            if room < 1 or call(batch[0]) is not None:
                return queue.record(batch)
            answers, items = queue.record_and_claim(batch, self._runner_id, room)
            claimed.extend(items)
            return answers

        # Should the connection break, the next heartbeat does not name what was claimed, which gives it back.
        self._outbox.flush(queue, record)
        self._hold(queue, claimed)

    def _claim(self, queue: Queue, now: float) -> None:
        room = self._room()
        if room < 1 or not self._poll.due(now):
            return
        items = queue.claim(self._runner_id, room)
        if not items and queue.advance(self._runner_id):
            items = queue.claim(self._runner_id, room)
        self._hold(queue, items)

    def _hold(self, queue: Queue, items: Sequence[WorkItem]) -> None:
        for item in items:
            run_id = item.optimization_run_id
            if run_id not in self._settings:
                self._settings[run_id] = queue.settings(run_id)
            plan = self._plan(queue, item)
            self._executor.hold(item, self._settings[run_id], partial(queue.prices, run_id), plan)
        if items:
            self._executor.step()
            self._poll.soon()

    def _plan(self, queue: Queue, item: WorkItem) -> dict[str, Any] | None:
        """How the ordinals of an item in ranges are decoded; asked anew for a generation that is new."""
        points = item.points[-1] if item.points else None
        if not isinstance(points, PointRange):
            return None
        run_id = item.optimization_run_id
        known = self._plans.get(run_id)
        if known is None or points.last >= sum(one["points"] for one in known["generations"]) + 1:
            known = self._plans[run_id] = queue.bulk_plan(run_id)
        return known

    def _tend_task(self, queue: Queue, now: float) -> None:
        if self._tasks.report(queue):
            self._poll.soon()
            self._poll_tasks.soon()
        if not self._stopping and self._reloading.due is None and self._poll_tasks.due(now):
            self._tasks.claim(queue, self._runner_id)

    def _take_stock(self, queue: Queue) -> None:
        self._left = queue.open_work(self._runner_id)
        running = sum(1 for _ in self._executor.held.with_child())
        self._show(queue, running)

    def _show(self, queue: Queue, running: int, *, final: bool = False) -> None:
        _, _, passed, best = queue.standing(self._settings)
        standing = Standing(self._done, self._failed, self._left, running, passed, best)
        self._progress.show(standing, final=final)

    def _answered(self, report: Report, word: str) -> None:
        """PostgreSQL's word on one outcome."""
        if report.rows is not None:
            if word not in ("logged", "stale"):
                self._progress.say(f"what point {report.ordinal} logged could not be recorded: {word}")
            return
        if word.startswith("error") and report.image is not None:
            self._outbox.add(Report(report.item, report.ordinal, kind="infrastructure", error=word))
            return
        self._recorded_since_advance = True
        if report.block is not None:
            self._done += report.block.points
        elif word == "recorded":
            self._done += 1
        elif word == "failed" or word.startswith(("impossible", "error")):
            self._failed += 1
        held = self._executor.held.get(report.item.work_item_id)
        if held is None or held.item.token != report.item.token:
            return
        if word == "stale":
            self._lose(report.item, "its claim has passed to another runner")
            return
        held.unrecorded.discard(report.ordinal)
        if not held.unrecorded:
            self._executor.drop(report.item.work_item_id)
            self._poll.soon()

    # Ending

    def _holds_nothing(self) -> bool:
        return not len(self._executor.held) and not len(self._outbox) and self._tasks.empty

    def _finished(self, queue: Queue, now: float) -> bool:
        if not self._holds_nothing() or not (self._stopping or self._drain) or not self._finish.due(now):
            return False
        if not self._stopping and self._reloading.hold_claims:
            return False
        if not self._stopping and self._tasks.claim(queue, self._runner_id):
            return False
        if not self._stopping:
            # A run closes, or plans its next part, only when it is advanced.
            if queue.advance(self._runner_id):
                self._poll.soon()
                return False
            self._left = queue.open_work(self._runner_id)
            if self._left:
                return False
        self._show(queue, 0, final=True)
        queue.stop(self._runner_id)
        return True

    def _give_back(self, code: int) -> int:
        """Record what is finished, give the rest back uncharged; leases do the same where this cannot."""
        queue = self._link.queue
        self._tasks.clear()
        if queue is not None:
            try:
                self._outbox.flush(queue)
                queue.release(self._runner_id)
                queue.stop(self._runner_id)
            except psycopg.Error as error:
                self._progress.say(f"the work could not be given back: {_first_line(error)}")
        return code


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
