"""A session on paper, from its first bar to its last: fed, filled and recorded, step by step."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from runners.live.feeds import Arrival, Steps, TimedStep, arrivals, replayed
from runners.live.link_connection import Cancel, OrderBook, SessionLink
from runners.live.paper_broker import Execution, PaperBroker, Word
from runners.live.session_broker import Divergence
from runners.live.session_run import Item
from runners.live.steps import Actions, Bar, OrderTerms, Step, begin_from, step_document, step_from
from runners.live.wakes import Wakes

DECISION_SECONDS = 20.0
"""How long a bar waits for a strategy that has not decided on the one before; replays wait for ever."""
GRACE_SECONDS = 120.0
"""How long a step waits, after its first symbol was loaded, for the others."""
LOOK_SECONDS = 2.0


class Stopped(Exception):
    """The link ends."""


class PaperSession:
    """Feeds and fills one session. Begun anew, it goes through the recorded steps first."""

    def __init__(
        self,
        link: SessionLink,
        book: OrderBook,
        wakes: Wakes,
        stop: threading.Event,
        coming: Iterable[Arrival] | None = None,
    ) -> None:
        """`coming` are bars in the order in which they arrive, instead of those that are loaded."""
        self._link, self._book, self._wakes, self._stop = link, book, wakes, stop
        self._coming = coming
        self._terms = link.terms
        self._recorded: list[Item] = []
        self._through: Iterator[Mapping[str, Any]] = iter(())
        self._expected: Mapping[str, Any] | None = None
        self._placed: dict[str, OrderTerms] = {}
        self._not_placed: list[OrderTerms] = []
        self._to_cancel: list[Cancel] = []
        self._newest = 0
        self._timed: TimedStep | None = None
        self._actions = Actions()
        self._dropped: tuple[str, ...] = ()
        self._steps: Iterator[TimedStep] = iter(())
        self._feed: Steps | None = None

    def run(self) -> None:
        """To the end of a replay, or until it is stopped (Stopped)."""
        terms = self._terms
        self._begin()
        begin = begin_from(self._recorded[0][2])
        through = [item for _, kind, item in self._recorded if kind in ("history", "step")]
        self._through = iter(through)
        PaperBroker(
            terms.symbols, terms.timeframe, terms.opened_with(begin.cash), begins=terms.begins,
            ask=self._ask, tell=self._tell, held=begin.positions,
        ).run()  # fmt: skip
        if self._recorded[-1][1] != "end":
            self._link.record_end(self._feed.irregular() if self._feed else ())

    # Before the first step

    def _begin(self) -> None:
        """History is recorded once; what was recorded already is read."""
        terms = self._terms
        self._recorded = self._link.recorded()
        found = None
        if not self._recorded:
            found = arrivals(self._link.bars(), terms.bar_seconds)
            history = Steps(terms.symbols, terms.bar_seconds, terms.bar_seconds / 2)
            warm_up = (one for one in found if one.epoch < terms.begins)
            self._link.record_history([Step(one.epoch, one.bars) for one in replayed(history, warm_up)])
            self._recorded = self._link.recorded()
        self._newest = self._recorded[-1][0]
        epochs = [item["epoch"] for _, _, item in self._recorded if "epoch" in item]
        newest = max(epochs, default=terms.begins - 1)
        mentioned = {key for _, _, item in self._recorded for key in item.get("placed", ())}
        self._placed, cancels = self._book.placed(terms.trading_session_id)
        # Taken by a link that ended before it could use them.
        self._not_placed = [one for key, one in self._placed.items() if key not in mentioned]
        said = {key for _, _, item in self._recorded for key in item.get("cancels", ())}
        self._to_cancel = [one for one in cancels if one.key not in said]
        if self._recorded[-1][1] == "end":
            return
        grace = terms.bar_seconds / 2 if terms.is_replay else GRACE_SECONDS
        feed = Steps(terms.symbols, terms.bar_seconds, grace, newest)
        self._feed = feed
        if terms.is_replay:
            coming = self._coming
            if coming is None:
                coming = found if found is not None else arrivals(self._link.bars(), terms.bar_seconds)
            later = (one for one in coming if one.epoch > newest)
            self._steps = replayed(feed, later, speed=terms.speed, since=terms.begins)
        else:
            self._steps = self._as_they_are_loaded(feed, newest)

    def _as_they_are_loaded(self, feed: Steps, newest: int) -> Iterator[TimedStep]:
        seen: dict[tuple[str, int], Bar] = {}
        while True:
            for one in arrivals(self._link.bars(newest), self._terms.bar_seconds):
                if seen.get((one.symbol, one.epoch)) != one.bar:
                    seen[one.symbol, one.epoch] = one.bar
                    feed.add(Arrival(time.time(), one.symbol, one.epoch, one.bar))
            for step in feed.due(time.time()):
                newest = step.epoch
                yield step
            self._pause(LOOK_SECONDS)
            # What is asked for between bars is taken at once, and filled on the next.
            self._take()

    # Between steps

    def _ask(self) -> tuple[Actions, tuple[int, Mapping[str, Bar]] | None]:
        document = next(self._through, None)
        if document is not None:
            self._expected = document
            step = step_from(document)
            orders = tuple(self._placed[key] for key in document.get("placed", ()))
            return Actions(orders, tuple(document.get("cancels", ()))), (step.epoch, step.bars)
        self._expected = None
        self._timed = next(self._steps, None)
        self._wait_for_decision()
        self._take()
        self._actions, self._dropped = self._due()
        if self._timed is None:
            return self._actions, None
        return self._actions, (self._timed.epoch, self._timed.bars)

    def _due(self) -> tuple[Actions, tuple[str, ...]]:
        """What has been taken: to be placed and cancelled now, and what the strategy has to be told of."""
        by_key = {one.key: one.by_desk for one in self._to_cancel}
        orders = []
        for one in self._not_placed:
            if by_key.get(one.parent_key or "") is not None and one.key not in by_key:
                # An exit without its entry.
                self._book.cancelled(self._terms.trading_session_id, one.key)
                by_key[one.key] = True
            elif one.key not in by_key:
                orders.append(one)
        unplaced = {one.key for one in self._not_placed}
        self._not_placed, self._to_cancel = [], []
        cancels = tuple(key for key in by_key if key not in unplaced)
        return Actions(tuple(orders), cancels), tuple(key for key, desks in by_key.items() if desks)

    def _take(self) -> None:
        orders, cancels = self._book.take(self._terms.trading_session_id)
        self._not_placed += orders
        self._to_cancel += cancels

    def _wait_for_decision(self) -> None:
        """The strategy may act on a step before the next one is filled."""
        end = None if self._terms.is_replay else time.monotonic() + DECISION_SECONDS
        while self._link.decided() < self._newest:
            if end is not None and time.monotonic() > end:
                return
            self._pause(1.0)
            # What the desk cancels does not wait for the strategy.
            self._take()

    def _pause(self, seconds: float) -> None:
        if self._stop.is_set():
            raise Stopped
        self._wakes.wait(seconds)

    # A step is filled

    def _tell(self, step: Step, executions: list[Execution], words: list[Word]) -> None:
        if self._expected is not None:
            self._compare(step)
            return
        if self._timed is None:
            return
        by_desk = tuple(one for one in self._actions.orders if one.by_desk)
        document = step_document(replace(step, dropped=self._dropped, by_desk=by_desk)) | {
            "placed": [one.key for one in self._actions.orders],
            "cancels": list(self._actions.cancels),
            "arrived": self._timed.arrived,
        }
        self._newest = self._link.record_step(document, executions, words, self._timed.irregular)

    def _compare(self, step: Step) -> None:
        expected = replace(step_from(self._expected or {}), dropped=(), by_desk=())
        if step != expected:
            raise Divergence(
                f"the step of {step.epoch} was recorded as {expected} and comes out as {step} now"
            )
