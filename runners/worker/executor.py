"""Runs held items in children and turns what becomes of them into reports. It never touches the database."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from runners.engines.base import AdjustedPrices, PointFailure, RunSettings
from runners.worker.held import Child, Held, HeldItem, failure_kind
from runners.worker.process_limits import private_megabytes, resident_megabytes
from runners.worker.protocol import (
    BlockFinished,
    ChildEnded,
    ChildStarted,
    ForgetPrices,
    KillChild,
    LoadPrices,
    PointBegan,
    PointFinished,
    ProtocolError,
    SessionRows,
)
from runners.worker.work_items import Report, WorkItem
from runners.worker.zygote_client import ChildPipe, ZygoteClient, ZygoteError

PRICE_SETS = 8
"""Price sets that the zygote keeps; the one used longest ago makes room."""
FEW_POINTS = 4


class Executor:
    """At most `processes` children at a time, one a held item."""

    def __init__(
        self,
        processes: int,
        start_zygote: Callable[[], ZygoteClient],
        report: Callable[[Report], None],
        *,
        stock: bool = False,
        zygote: ZygoteClient | None = None,
    ) -> None:
        self.held = Held()
        self._stock = stock
        self._processes = processes
        self._start_zygote = start_zygote
        self._report = report
        self._zygote = zygote or start_zygote()
        self.lost = False
        """True when the zygote has died; what was held must be given back before `restart`."""
        self._loaded: OrderedDict[str, None] = OrderedDict()
        self._pipes: dict[int, ChildPipe] = {}
        """Pipes of all children that have not ended, also of those whose item is no longer held."""

    @property
    def zygote(self) -> ZygoteClient:
        return self._zygote

    @property
    def idle(self) -> bool:
        """True while no child computes."""
        return not self._busy()

    def urgent(self) -> Iterator[ZygoteClient]:
        """What to wait on for news that somebody has to act on."""
        if not self.lost:
            yield self._zygote

    def pipes(self) -> Iterable[ChildPipe]:
        """What to wait on for outcomes."""
        return self._pipes.values()

    def amid_items(self) -> bool:
        """True while there are children and each has some points to go, so that none soon wants more."""
        left = [len(held.waiting) for held, _ in self.held.with_child()]
        return bool(left) and min(left) >= FEW_POINTS

    def hold(
        self,
        item: WorkItem,
        settings: RunSettings,
        prices: Callable[[], tuple[AdjustedPrices, ...]],
        plan: Mapping[str, Any] | None = None,
    ) -> None:
        """Take an item; `prices` is asked only where the zygote does not have them. `plan` decodes the
        ordinals of a run in bulk."""
        settings = replace(settings, stock=settings.stock or self._stock)
        key = prices_key(settings)
        if key not in self._loaded:
            self._send(LoadPrices(key, prices()))
            self._loaded[key] = None
        self._loaded.move_to_end(key)
        self.held.add(HeldItem(item, settings, key, plan))
        in_use = {held.prices_key for held in self.held}
        for old in list(self._loaded):
            if len(self._loaded) > PRICE_SETS and old not in in_use:
                del self._loaded[old]
                self._send(ForgetPrices(old))

    def drop(self, work_item_id: int) -> None:
        """Forget an item; a child that is on it is killed and what it sends is not reported."""
        held = self.held.drop(work_item_id)
        if held is not None and held.child is not None:
            self._send(KillChild(held.child.child_id))

    def _send(self, message: object) -> None:
        # A dead zygote is noticed, and dealt with, by the next step.
        with suppress(ZygoteError):
            self._zygote.send(message)

    def step(self, ready: Container[int] | None = None) -> None:
        """Read what has arrived, end what takes too long, start what there is room for.

        `ready` are the descriptors that have something to read, where the caller knows.
        """
        if self.lost:
            return
        try:
            messages = list(self._zygote.receive()) if ready is None or self._zygote.fileno() in ready else []
            for pipe in list(self._pipes.values()):
                if ready is None or pipe.fileno() in ready:
                    self._read(pipe)
            for message in messages:
                match message:
                    case ChildStarted(child_id, pid):
                        held = self.held.of_child(child_id)
                        if held is not None and held.child is not None:
                            held.child.pid = pid
                            # Before its first child of a run in bulk the zygote may have compiled.
                            held.child.clock = time.monotonic()
                    case ChildEnded():
                        self._ended(message)
            self._watch_deadlines()
            self._start_children()
        except ZygoteError:
            self._lose_zygote()

    def _start_children(self) -> None:
        for held in self.held.ready():
            if self._busy() >= self._processes:
                return
            points: Any = tuple(held.waiting.values())
            pipe = self._zygote.start_child(held.settings, held.prices_key, points, held.plan)
            self._pipes[pipe.child_id] = pipe
            held.child = Child(pipe, clock=time.monotonic())

    def _busy(self) -> int:
        """Children that still compute; one that has reported its last point only has to end."""
        items = (self.held.of_child(child_id) for child_id in self._pipes)
        return sum(1 for held in items if held is None or held.waiting)

    def _read(self, pipe: ChildPipe) -> None:
        held = self.held.of_child(pipe.child_id)
        try:
            for message in pipe.read():
                if held is not None and held.child is not None:
                    self._take(held, held.child, message)
        except ProtocolError:
            # Something in the child wrote into its pipe; its death is then charged to what was running.
            self._send(KillChild(pipe.child_id))

    def _take(self, held: HeldItem, child: Child, message: Any) -> None:
        if isinstance(message, SessionRows):
            # The clock goes on: a strategy that talks may still take too long.
            if message.ordinal in held.waiting:
                self._report(Report(held.item, message.ordinal, rows=message.rows))
            return
        child.clock = time.monotonic()
        if isinstance(message, PointBegan):
            child.running = message.ordinal
            return
        child.running = None
        if message.ordinal not in held.waiting:
            return
        del held.waiting[message.ordinal]
        match message:
            case PointFinished(ordinal, image):
                self._report(Report(held.item, ordinal, image=image))
            case BlockFinished(ordinal, block):
                self._report(Report(held.item, ordinal, block=block))
            case PointFailure(ordinal, kind, error):
                self._report(Report(held.item, ordinal, kind=kind, error=error))

    def _ended(self, message: ChildEnded) -> None:
        pipe = self._pipes.pop(message.child_id, None)
        if pipe is None:
            return
        held = self.held.of_child(message.child_id)
        self._read(pipe)
        pipe.close()
        if held is None:
            return
        child, suspect = held.child, held.suspect()
        held.child = None
        if suspect is None:
            return
        # What is left of the item goes on in a new child.
        if held.halve(suspect):
            return
        del held.waiting[suspect]
        why = child.why_killed if child is not None and child.killed else message.describe()
        kind = "infrastructure" if message.error else failure_kind(child)
        self._report(Report(held.item, suspect, kind=kind, error=why))

    def _watch_deadlines(self) -> None:
        now = time.monotonic()
        for held, child in self.held.with_child():
            seconds = held.settings.seconds_per_point
            if child.killed is None and child.overdue(now, seconds):
                child.killed = "deadline"
                child.why_killed = (
                    f"no result after {now - child.clock:.1f} s; seconds_per_point is {seconds:g}"
                )
                self._send(KillChild(child.child_id))

    def watch_memory(self) -> None:
        """Kill children above their run's limit."""
        for held, child in self.held.with_child():
            limit = held.settings.memory_mb
            if child.pid is None or child.killed is not None or resident_megabytes(child.pid) <= limit:
                continue
            private = private_megabytes(child.pid) or 0.0
            if private > limit:
                child.killed = "memory"
                child.why_killed = f"{private:.0f} MB of private memory; memory_mb is {limit:g}"
                self._send(KillChild(child.child_id))

    def memory_megabytes(self) -> float:
        """Private memory of all children."""
        pids = (child.pid for _, child in self.held.with_child() if child.pid is not None)
        return sum(private_megabytes(pid) or 0.0 for pid in pids)

    def _lose_zygote(self) -> None:
        """Every child died with the zygote: charge what ran, forget the rest and say so by `lost`."""
        self.lost = True
        for held, _ in self.held.with_child():
            suspect = held.suspect()
            if suspect is not None:
                text = "the process that runs backtests ended unexpectedly"
                self._report(Report(held.item, suspect, kind="infrastructure", error=text))
        for held in self.held:
            self.held.drop(held.item.work_item_id)

    def restart(self, zygote: ZygoteClient | None = None) -> None:
        """Begin anew with nothing held, in a new zygote."""
        self.close()
        self._loaded.clear()
        self._zygote = zygote or self._start_zygote()
        self.lost = False

    def close(self) -> None:
        self._zygote.close()
        for pipe in self._pipes.values():
            pipe.close()
        self._pipes.clear()


def prices_key(settings: RunSettings) -> str:
    """Runs with equal keys see equal prices."""
    window = f"{settings.start_date} {settings.end_date} {settings.timeframe} {settings.warm_up_bars}"
    return f"{settings.data_hash} {window} {' '.join(settings.symbols)}"
