"""The paper broker: Backtrader's own, on the session's bars, with the orders that the gate allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import backtrader as bt

from runners.engines.backtrader.account import open_account
from runners.engines.backtrader.feed import bar_length
from runners.engines.base import Commission
from runners.live.order_terms import arguments_of
from runners.live.stepping import StepBroker, StepCerebro, Steps
from runners.live.steps import Actions, Bar, Fill, OrderTerms, Step


@dataclass(frozen=True)
class Account:
    """What a session trades with; `slippage` is a fraction of the price."""

    cash: float
    commission: Commission
    slippage: float = 0.0

    def open(self, broker: Any) -> None:
        """Gives it to a broker of Backtrader's."""
        open_account(broker, self.cash, self.commission, self.slippage)


@dataclass(frozen=True)
class Word:
    """What became of an order: working, cancelled or rejected; `by` names who cancelled it, where only the
    broker knows."""

    key: str
    state: str
    reason: str | None = None
    by: str | None = None


WORDS = {
    bt.Order.Accepted: ("working", None, None),
    bt.Order.Expired: ("cancelled", None, "expiry"),
    bt.Order.Canceled: ("cancelled", None, None),
    bt.Order.Margin: ("rejected", "too little cash", None),
    bt.Order.Rejected: ("rejected", "rejected by Backtrader's broker", None),
}


@dataclass(frozen=True)
class Execution:
    """One fill, as it goes to the ledger: `quantity` is negative where something was sold."""

    key: str
    number: int
    """Its place among those of its order, from 1."""
    quantity: float
    price: float
    commission: float
    cash_after: float


class MatchingBroker(StepBroker):
    """Backtrader's broker, which remembers what it did with each order."""

    def remember(self) -> MatchingBroker:
        self.by_key: dict[str, Any] = {}
        self.fills: list[Fill] = []
        self.executions: list[Execution] = []
        self._said: dict[str, Word] = {}
        return self

    def _execute(
        self,
        order: Any,
        ago: int | None = None,
        price: float | None = None,
        cash: float | None = None,
        position: Any = None,
        dtcoc: Any = None,
    ) -> Any:
        if ago is None or price is None:
            return super()._execute(order, ago, price, cash, position, dtcoc)
        self.fills.append(Fill(order.info["key"], price, ago))
        before = len(order.executed.exbits)
        answer = super()._execute(order, ago, price, cash, position, dtcoc)
        for number, bit in enumerate(list(order.executed.exbits)[before:], before + 1):
            fee = bit.closedcomm + bit.openedcomm
            self.executions.append(
                Execution(order.info["key"], number, bit.size, bit.price, fee, self.cash)
            )
        return answer

    def notify(self, order: Any) -> None:
        super().notify(order)
        key = order.info["key"]
        # What was filled is said by its executions.
        self._said.pop(key, None)
        if order.status in WORDS:
            self._said[key] = Word(key, *WORDS[order.status])

    def words(self) -> list[Word]:
        """What it has said since it was last asked; of each order the last."""
        said, self._said = self._said, {}
        return list(said.values())


class Market(bt.Strategy):  # type: ignore[misc]
    """Owns the paper broker's orders, and decides nothing."""


class PaperBroker:
    """Fills a session's orders bar by bar, by the rules of the backtest.

    `ask` is called before each step with what has been decided since the one before, and answers the bars of
    the next, or None at the end; `tell` is called with each step once its orders are filled, with the fills
    and what else became of orders. Bars before `begins` (UTC seconds) are told without cash: they warm up,
    and nothing trades on them. `held` is what the session took over.
    """

    def __init__(
        self,
        symbols: tuple[str, ...],
        timeframe: str,
        account: Account,
        *,
        begins: int,
        ask: Callable[[], tuple[Actions, tuple[int, Mapping[str, Bar]] | None]],
        tell: Callable[[Step, list[Execution], list[Word]], None],
        held: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        self._ask, self._tell = ask, tell
        self._begins = begins
        self._held = dict(held or {})
        self._open_step: Step | None = None
        self._broker = MatchingBroker().remember()
        self._cerebro = StepCerebro(stdstats=False)
        self._cerebro.setbroker(self._broker)
        account.open(self._broker)
        self._cerebro.over(Steps(self._next), symbols, *bar_length(timeframe))
        self._cerebro.addstrategy(Market)

    def run(self) -> None:
        """Until there are no more bars."""
        self._cerebro.run()

    def _next(self) -> Step | None:
        # Backtrader empties its broker when it starts, which is before this is first called.
        self._broker.take_over(self._cerebro.datasbyname, self._held)
        self._held = {}
        self._close_step()
        actions, bars = self._ask()
        if self._open_step is not None:
            self._place(actions)
        if bars is None:
            return None
        self._open_step = Step(*bars)
        return self._open_step

    def _close_step(self) -> None:
        """Backtrader has gone through the step before: what became of it is told."""
        step = self._open_step
        if step is None:
            return
        broker = self._broker
        fills, broker.fills = broker.fills, []
        executions, broker.executions = broker.executions, []
        triggered = tuple(
            order.info["key"] for order in broker.pending if order is not None and order.triggered
        )
        words = broker.words()
        trades = step.epoch >= self._begins
        told = Step(
            step.epoch, step.bars, tuple(fills), triggered,
            broker.cash if trades else None, broker.held() if trades else None,
        )  # fmt: skip
        self._tell(told, executions, words)

    def _place(self, actions: Actions) -> None:
        broker = self._broker
        for key in actions.cancels:
            # One that was filled or cancelled meanwhile is not there to be cancelled.
            broker.cancel(broker.by_key[key])
        for terms, transmit in _with_transmit(actions.orders):
            owner = self._cerebro.runningstrats[0]
            side = broker.buy if terms.quantity > 0 else broker.sell
            broker.by_key[terms.key] = side(
                owner,
                self._cerebro.datasbyname[terms.symbol],
                parent=terms.parent_key and broker.by_key[terms.parent_key],
                oco=terms.oco_key and broker.by_key[terms.oco_key],
                transmit=transmit,
                key=terms.key,
                **arguments_of(terms),
            )


def _with_transmit(orders: Iterable[OrderTerms]) -> list[tuple[OrderTerms, bool]]:
    """A bracket is sent with its last exit."""
    found: list[tuple[OrderTerms, bool]] = []
    for terms in orders:
        if terms.parent_key is not None and found:
            found[-1] = (found[-1][0], False)
        found.append((terms, True))
    return found
