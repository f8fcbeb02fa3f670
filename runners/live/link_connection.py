"""What the paper link asks the desk for, as desk_link."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from runners.engines.base import AdjustedPrices
from runners.live.asking import rows, value
from runners.live.bar_clock import Irregularity
from runners.live.paper_broker import Execution, Word
from runners.live.session_run import Item
from runners.live.steps import OrderTerms, Step, step_document
from runners.live.terms import SessionTerms

CHANNEL = "desk_orders"
STEPS_AT_ONCE = 1000

BEGIN = "select desk.begin_link(%s, %s, %s)"
BEAT = "select desk.beat_link(%s, %s, %s)"
SESSIONS = "select desk.sessions_to_carry(%s, %s)"
BARS = """
select symbol, epochs, open, high, low, close, volume
from desk.session_bars(%s::bigint, %s, %s::bigint)
"""
COLUMNS = """
select o.id, o.trading_session_id, o.parent_id, o.oco_id, o.key, o.symbol, o.quantity, o.type,
       coalesce(extract(epoch from nullif(o.decision_bar, '-infinity')), 0)::bigint,
       o.limit_price, o.stop_price, o.trail_amount, o.trail_part, extract(epoch from o.valid_until)::float8,
       o.tag, o.intent = 'flatten'
"""
TAKE = f"{COLUMNS} from desk.take_orders(%s, %s, 1000) as o"
CANCELS = "select trading_session_id, id, key, cancelled_by from desk.take_cancels(%s, %s, %s)"
PLACED = f"{COLUMNS}, o.state, o.cancelled_by from desk.placed_orders(%s::bigint, %s) as o"
STATE = "select desk.record_order_state(%s, %s, %s::bigint, 'cancelled')"
FAULT = "select desk.report_fault(%s::bigint, %s, 'ledger', %s)"
HISTORY = "select desk.record_history(%s::bigint, %s, %s)"
STEP = "select desk.record_step(%s::bigint, %s, %s, %s, %s, %s)"
END = "select desk.record_end(%s::bigint, %s, %s)"
RECORDED = "select number, kind, item from desk.recorded_steps(%s::bigint, %s, %s::bigint, %s)"
DECIDED = "select desk.decided_on(%s::bigint)"


def begin_link(link: psycopg.Connection[Any], account: str, host: str, pid: int) -> str:
    """The token that all of an account's link carries."""
    return str(value(link, BEGIN, account, host, pid))


@dataclass(frozen=True)
class Cancel:
    """Asked for by the strategy, or by the desk, of which the strategy has to be told."""

    key: str
    by_desk: bool


class OrderBook:
    """Orders and cancels of an account as they are taken, by session; of several threads."""

    def __init__(self, link: psycopg.Connection[Any], account: str, token: str) -> None:
        self._link, self._account, self._token = link, account, token
        self._lock = threading.Lock()
        self._orders: dict[int, list[OrderTerms]] = {}
        self._cancels: dict[int, list[Cancel]] = {}
        self._keys: dict[int, str] = {}
        self._numbers: dict[tuple[int, str], int] = {}
        self._again = True
        """What a link before this one took and did not come to use is taken once more."""

    def take(self, session_id: int) -> tuple[list[OrderTerms], list[Cancel]]:
        """What a session's strategy has asked for and the gate has allowed since the last time."""
        with self._lock:
            # An exit does not leave before its entry, so that there may be more once some were taken.
            while found := rows(self._link, TAKE, self._account, self._token):
                for session, terms in self._terms(found):
                    self._orders.setdefault(session, []).append(terms)
            for session, number, key, by in rows(
                self._link, CANCELS, self._account, self._token, self._again
            ):
                # Between bars nothing is filled, so that it is cancelled now, whatever the strategy does.
                value(self._link, STATE, self._account, self._token, number)
                self._cancels.setdefault(session, []).append(Cancel(key, by == "desk"))
            self._again = False
            return self._orders.pop(session_id, []), self._cancels.pop(session_id, [])

    def placed(self, session_id: int) -> tuple[dict[str, OrderTerms], list[Cancel]]:
        """All that was ever taken of a session, by key, and what of it was cancelled."""
        with self._lock:
            found = rows(self._link, PLACED, session_id, self._token)
            orders = {terms.key: terms for _, terms in self._terms(row[:-2] for row in found)}
            cancels = [
                Cancel(key, by == "desk")
                for key, (*_, state, by) in zip(orders, found, strict=True)
                if state == "cancelled"
            ]
            return orders, cancels

    def cancelled(self, session_id: int, key: str) -> None:
        """An order that was taken came to nothing."""
        with self._lock:
            value(self._link, STATE, self._account, self._token, self._numbers[session_id, key])

    def _terms(self, found: Iterable[Any]) -> Iterator[tuple[int, OrderTerms]]:
        for number, session, parent, group, key, *words, tag, by_desk in found:
            self._keys[number] = key
            self._numbers[session, key] = number
            # Whatever it hangs on was taken before it, or came to nothing.
            terms = (key, *words, self._keys.get(parent), self._keys.get(group), tag, by_desk)
            yield session, OrderTerms(*terms)


class SessionLink:
    """One session as its link sees it."""

    def __init__(self, link: psycopg.Connection[Any], terms: SessionTerms, token: str) -> None:
        self.terms = terms
        self._link, self._token = link, token
        self._session = terms.trading_session_id

    def bars(self, after: int | None = None) -> list[AdjustedPrices]:
        found = self._link.cursor(binary=True).execute(BARS, (self._session, self._token, after))
        return [AdjustedPrices.from_rows(*row) for row in found]

    def recorded(self) -> list[Item]:
        """The steps that there are already."""
        found: list[Item] = []
        while True:
            after = found[-1][0] if found else 0
            more = rows(self._link, RECORDED, self._session, self._token, after, STEPS_AT_ONCE)
            found += more
            if len(more) < STEPS_AT_ONCE:
                return found

    def record_history(self, steps: Sequence[Step]) -> None:
        documents = [step_document(step) for step in steps]
        value(self._link, HISTORY, self._session, self._token, Jsonb(documents))

    def record_step(
        self,
        document: dict[str, Any],
        executions: Iterable[Execution],
        words: Iterable[Word],
        irregular: Iterable[Irregularity],
    ) -> int:
        """The number of its item."""
        fills = [
            {
                "execution": f"{self._session}:{one.key}:{one.number}", "key": one.key,
                "quantity": one.quantity, "price": one.price, "commission": one.commission,
                "cash_after": one.cash_after,
            }
            for one in executions
        ]  # fmt: skip
        said = [
            {"key": word.key, "state": word.state, "reason": word.reason, "cancelled_by": word.by}
            for word in words
        ]
        parts = Jsonb(document), Jsonb(fills), Jsonb(said), _listed(irregular)
        return int(value(self._link, STEP, self._session, self._token, *parts))

    def record_end(self, irregular: Iterable[Irregularity]) -> int:
        return int(value(self._link, END, self._session, self._token, _listed(irregular)))

    def decided(self) -> int:
        """Newest item that the strategy has decided on; 0 before it has begun."""
        return int(value(self._link, DECIDED, self._session) or 0)

    def report(self, reason: str) -> None:
        """Stops the session."""
        value(self._link, FAULT, self._session, self._token, reason)


def _listed(irregular: Iterable[Irregularity]) -> Jsonb:
    return Jsonb([
        {"kind": one.kind, "epoch": one.epoch, "symbol": one.symbol, "bar": one.bar and list(one.bar)}
        for one in irregular
    ])  # fmt: skip
