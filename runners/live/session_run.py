"""One session's strategy from the first item of its stream to the last, wherever these come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from runners.live.session_broker import SessionBroker
from runners.live.steps import Begin, OrderTerms, Step, begin_from, step_from
from runners.live.strategy_run import Trading, run_strategy
from runners.live.terms import SessionTerms
from strategies.run_context import RowBuffer, RunContext, in_run
from strategies.session_days import session_days
from strategies.session_rows import Row, by_name

Item = tuple[int, str, Mapping[str, Any]]
"""Number, kind, what it says."""


class DeskSide(Protocol):
    """What a strategy's process has of the desk."""

    def fetch(self, after: int) -> Sequence[Item]:
        """The next items, waiting for them: all up to `after` has been decided on."""
        ...

    def submit(self, orders: list[OrderTerms]) -> list[str | None]:
        """A reason against each order, None where it is allowed; several are a bracket."""
        ...

    def cancel(self, key: str) -> None: ...

    def record_rows(
        self, logged: Mapping[str, Sequence[Mapping[str, object]]], keys: Mapping[int, str]
    ) -> None:
        """What DBLogger wrote, and keys of orders by the strategy's own numbers."""
        ...


class _Stream:
    """Steps out of items; what is no step is for people."""

    def __init__(self, side: DeskSide, before_fetch: Any) -> None:
        self._side = side
        self._before_fetch = before_fetch
        self._items: list[Item] = []
        self._number = 0

    def begin(self) -> Begin:
        _, _, item = self._next()
        return begin_from(item)

    def step(self) -> Step | None:
        while True:
            _, kind, item = self._next()
            if kind in ("history", "step"):
                return step_from(item)
            if kind == "end":
                return None

    def _next(self) -> Item:
        while not self._items:
            self._before_fetch()
            self._items = list(self._side.fetch(self._number))[::-1]
        item = self._items.pop()
        self._number = item[0]
        return item


class _Rows:
    """What DBLogger writes, on its way; rows that an earlier process has handed over are left out."""

    def __init__(self, side: DeskSide, broker: SessionBroker, newest: int) -> None:
        self._side, self._broker, self._newest = side, broker, newest
        self.buffer = RowBuffer(self._send)

    def _send(self, rows: Sequence[Row]) -> None:
        new = [row for row in rows if int(str(row[1][0])) > self._newest]
        if new:
            logged = by_name(new)
            refs = {row["order_ref"] for table in ("order_events", "fills") for row in logged.get(table, ())}
            keys = {ref: key for ref, key in self._broker.keys.items() if ref in refs}
            self._side.record_rows(logged, keys)


def run_session(terms: SessionTerms, side: DeskSide, analyzers: Mapping[str, Any] | None = None) -> Any:
    """Runs to the stream's end, and answers the strategy; raises what the strategy raises."""
    broker = SessionBroker()
    rows = _Rows(side, broker, terms.newest_row)
    stream = _Stream(side, rows.buffer.flush)
    begin = stream.begin()
    trading = Trading(
        terms.entry_point, terms.parameters, terms.symbols, terms.timeframe, terms.opened_with(begin.cash),
        terms.seed, begin.history, analyzers or {}, begin.positions,
    )  # fmt: skip
    context = RunContext(terms.risk_limits, rows.buffer, session_days(terms.session_days))
    with in_run(context):
        strategy = run_strategy(trading, side, stream.step, broker)
    rows.buffer.flush()
    return strategy
