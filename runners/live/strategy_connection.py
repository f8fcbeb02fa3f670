"""What a session's process asks the desk for, as desk_trader."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from runners.errors import DeskError
from runners.live.asking import rows, value
from runners.live.session_broker import Divergence
from runners.live.session_run import Item
from runners.live.steps import OrderTerms
from runners.live.terms import SessionTerms
from runners.live.wakes import Wakes

CHANNEL = "desk_stream"
ITEMS_AT_ONCE = 500
BEAT_SECONDS = 5.0

TERMS = "select desk.session_terms(%s::bigint)"
BEGIN = "select desk.begin_strategy(%s::bigint, %s, %s, %s)"
READ = "select number, kind, item::text from desk.read_stream(%s::bigint, %s, %s::bigint, %s)"
BEAT = "select desk.beat_strategy(%s::bigint, %s)"
SUBMIT = """
select state, reason from desk.submit_order(
  %(session)s::bigint, %(key)s, %(symbol)s, %(quantity)s::float8, %(type)s, %(limit_price)s::float8,
  %(stop_price)s::float8, %(trail_amount)s::float8, %(trail_part)s::float8, %(time_in_force)s,
  %(valid_until)s, %(oco_key)s, false, %(decision_bar)s, %(tag)s, %(token)s)
"""
BRACKET = "select state, reason from desk.submit_bracket(%s::bigint, %s, %s, %s)"
CANCEL = "select desk.request_cancel(%s::bigint, %s, %s)"
ROWS = "select desk.record_strategy_rows(%s::bigint, %s, %s, %s)"
FAULT = "select desk.report_fault(%s::bigint, %s, %s, %s)"
BEFORE = "select seen, keys from desk.asked_before(%s::bigint, %s)"
WAKE = "select pg_notify('desk_orders', %s)"


class NoSuchSession(DeskError):
    """The session is not one that the desk runs itself."""


class RowsRefused(Exception):
    """What the strategy logged cannot be stored."""


def session_terms(connection: psycopg.Connection[Any], session_id: int) -> SessionTerms:
    document = value(connection, TERMS, session_id)
    if document is None:
        raise NoSuchSession(f"session {session_id} is none that the desk runs", hint="backdesk live status")
    return SessionTerms.of(document)


class StrategyConnection:
    """One process of a session; it has the session until another one begins."""

    def __init__(self, trader: psycopg.Connection[Any], terms: SessionTerms) -> None:
        self.terms = terms
        self._trader = trader
        self._session = terms.trading_session_id
        self.wakes = Wakes(trader, CHANNEL, terms.trading_session_id)
        who = terms.code_hash, socket.gethostname(), os.getpid()
        self._token = value(trader, BEGIN, self._session, *who)
        ((seen, keys),) = rows(trader, BEFORE, self._session, self._token)
        self._recorded = int(seen)
        self._not_asked: set[str] | None = set(keys)
        """Keys of an earlier process that this one has not come to yet; None once it has gone through all."""
        self._beaten = time.monotonic()
        self._new = True

    # What the strategy asks for

    def fetch(self, after: int) -> Sequence[Item]:
        """Waits; for a strategy that runs in this process."""
        while not (found := self.read(after)):
            self.wakes.wait(BEAT_SECONDS)
        return [(number, kind, json.loads(item)) for number, kind, item in found]

    def read(self, after: int) -> list[tuple[int, str, str]]:
        """What is there, each item as JSON. Divergence where an order of before was not asked for again."""
        if self._not_asked is not None and after >= self._recorded:
            if self._not_asked:
                key = min(self._not_asked, key=_place)
                raise Divergence(
                    f"order {key} is recorded, and was not asked for on the same stream "
                    f"({len(self._not_asked)} in all)"
                )
            self._not_asked = None
        self._beaten = time.monotonic()
        return rows(self._trader, READ, self._session, self._token, after, ITEMS_AT_ONCE)

    def submit(self, orders: list[OrderTerms]) -> list[str | None]:
        keys = {terms.key for terms in orders}
        self._new = self._not_asked is None or not keys <= self._not_asked
        if self._not_asked is not None:
            self._not_asked -= keys
        try:
            answers = self._asked(orders)
        except psycopg.errors.UniqueViolation as error:
            wanted = "; ".join(f"{one.quantity:.15g} {one.symbol} {one.type}" for one in orders)
            raise Divergence(f"{error.diag.message_primary}. Asked for now: {wanted}") from error
        return [reason if state == "refused" else None for state, reason in answers]

    def cancel(self, key: str) -> None:
        self._new = True
        value(self._trader, CANCEL, self._session, key, self._token)

    def record_rows(self, logged: Mapping[str, Any], keys: Mapping[Any, str]) -> None:
        said = value(self._trader, ROWS, self._session, self._token, Jsonb(logged), Jsonb(keys))
        if said != "logged":
            raise RowsRefused(said)

    # What the process itself says

    def wake_link(self) -> None:
        """Something is to be taken, where it was not asked for before."""
        if self._new:
            self._trader.execute(WAKE, (str(self.terms.account_id),))

    def beat(self) -> str | None:
        """Says that the process lives, where that is due: the session's level, or superseded."""
        if time.monotonic() - self._beaten < BEAT_SECONDS:
            return None
        self._beaten = time.monotonic()
        return str(value(self._trader, BEAT, self._session, self._token))

    def report(self, rule: str, reason: str) -> None:
        """Stops the session."""
        value(self._trader, FAULT, self._session, self._token, rule, reason)

    def _asked(self, orders: list[OrderTerms]) -> list[tuple[str, str | None]]:
        first = orders[0]
        bar = _moment(first.decision_bar)
        if len(orders) > 1:
            legs = [_words(one) for one in orders]
            return rows(self._trader, BRACKET, self._session, Jsonb(legs), bar, self._token)
        values = vars(first) | {
            "session": self._session, "token": self._token, "decision_bar": bar,
            "time_in_force": "gtc" if first.valid_until is None else "gtd",
            "valid_until": None if first.valid_until is None else _moment(first.valid_until),
        }  # fmt: skip
        return rows(self._trader, SUBMIT, values)


def _words(terms: OrderTerms) -> dict[str, object]:
    """One order of a bracket, in submit_order's words."""
    names = (
        "key", "symbol", "quantity", "type", "limit_price", "stop_price", "trail_amount", "trail_part", "tag",
    )  # fmt: skip
    words = {name: had for name in names if (had := getattr(terms, name)) is not None}
    if terms.valid_until is not None:
        words |= {"time_in_force": "gtd", "valid_until": _moment(terms.valid_until).isoformat()}
    return words


def _moment(epoch: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)


def _place(key: str) -> tuple[int, int]:
    bar, _, number = key.partition(":")
    return int(bar), int(number)
