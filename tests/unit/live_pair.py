"""A strategy and a paper broker beside each other in two threads, with an obliging gate between them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import backtrader as bt

from runners.engines.base import AdjustedPrices
from runners.live.paper_broker import Execution, PaperBroker, Word
from runners.live.steps import Actions, Bar, OrderTerms, Step, step_document, step_from
from runners.live.strategy_run import Trading, run_strategy

SECONDS = 60


class Tape(bt.Analyzer):
    """All that can differ: states of orders, fills, and the account on each bar."""

    def start(self) -> None:
        self.orders: list[Any] = []
        self.fills: list[Any] = []
        self.values: list[Any] = []
        self._numbers: dict[int, int] = {}

    def notify_order(self, order: Any) -> None:
        number = self._numbers.setdefault(order.ref, len(self._numbers))
        self.orders.append(
            (number, order.getstatusname(), order.data._name, order.executed.size,
             order.executed.price, order.executed.comm, order.created.price)
        )  # fmt: skip
        for bit in order.executed.iterpending():
            self.fills.append(
                (bit.dt, order.data._name, bit.size, bit.price, bit.closedcomm, bit.openedcomm, bit.pnl)
            )

    def next(self) -> None:
        broker = self.strategy.broker
        held = sorted((data._name, p.size, p.price) for data, p in broker.positions.items() if p.size)
        self.values.append((broker.getvalue(), broker.getcash(), held))

    def get_analysis(self) -> dict[str, Any]:
        return {"orders": self.orders, "fills": self.fills, "values": self.values}


@dataclass
class ObligingGate:
    """Allows everything but what `refuses` names a reason for; known keys get their old answer."""

    refuses: Callable[[OrderTerms], str | None] = lambda terms: None
    answers: dict[str, tuple[OrderTerms, str | None]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    new: list[OrderTerms] = field(default_factory=list)
    cancels: list[str] = field(default_factory=list)

    def submit(self, orders: list[OrderTerms]) -> list[str | None]:
        new = [terms for terms in orders if terms.key not in self.answers]
        reason = next((one for one in map(self.refuses, new) if one is not None), None)
        for terms in new:
            self.answers[terms.key] = terms, reason
            if reason is None:
                self.sent.append(terms.key)
                self.new.append(terms)
        for terms in orders:
            assert self.answers[terms.key][0] == terms, "a key is one order for ever"
        return [self.answers[terms.key][1] for terms in orders]

    def cancel(self, key: str) -> None:
        if key not in self.cancelled:
            self.cancelled.append(key)
            self.cancels.append(key)

    def take(self) -> Actions:
        actions = Actions(tuple(self.new), tuple(self.cancels))
        self.new, self.cancels = [], []
        return actions


def steps_of(prices: Sequence[AdjustedPrices]) -> list[tuple[int, dict[str, Bar]]]:
    """Bars put together by the moment at which they begin."""
    at: dict[int, dict[str, Bar]] = {}
    for one in prices:
        for row, epoch in enumerate(one.epochs):
            at.setdefault(epoch, {})[one.symbol] = Bar(
                one.open[row], one.high[row], one.low[row], one.close[row], one.volume[row]
            )
    return sorted(at.items())


def traded(
    trading: Trading,
    bars: Sequence[tuple[int, Mapping[str, Bar]]],
    begins: int,
    gate: ObligingGate,
) -> tuple[dict[str, Any], list[Execution], list[Any]]:
    """The tape, the executions, and the stream as JSON."""
    told: queue.Queue[Step | None] = queue.Queue()
    seen: queue.Queue[bool] = queue.Queue()
    executions: list[Execution] = []
    recorded: list[Any] = []
    waiting = iter(bars)
    first = True

    def ask() -> tuple[Actions, tuple[int, Mapping[str, Bar]] | None]:
        nonlocal first
        if not first:
            assert seen.get(timeout=SECONDS)
        first = False
        return gate.take(), next(waiting, None)

    def tell(step: Step, filled: list[Execution], words: list[Word]) -> None:
        recorded.append(step_document(step))
        executions.extend(filled)
        told.put(step_from(recorded[-1]))

    def market() -> None:
        try:
            PaperBroker(
                trading.symbols, trading.timeframe, trading.account, begins=begins, ask=ask, tell=tell,
                held=trading.held,
            ).run()  # fmt: skip
        finally:
            told.put(None)

    asked = 0

    def fetch() -> Step | None:
        nonlocal asked
        if asked:
            seen.put(True)
        asked += 1
        return told.get(timeout=SECONDS)

    thread = threading.Thread(target=market)
    thread.start()
    try:
        strategy = run_strategy(trading, gate, fetch)
    finally:
        seen.put(False)
        thread.join(SECONDS)
    return strategy.analyzers.tape.get_analysis(), executions, recorded


def gone_through(trading: Trading, stream: Sequence[Any], gate: ObligingGate) -> dict[str, Any]:
    """The tape of a strategy that is begun anew on what was recorded."""
    items = iter(stream)

    def fetch() -> Step | None:
        document = next(items, None)
        return None if document is None else step_from(document)

    found: dict[str, Any] = run_strategy(trading, gate, fetch).analyzers.tape.get_analysis()
    return found
