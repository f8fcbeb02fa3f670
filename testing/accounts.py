"""A paper account with sessions in which orders may be asked for, for tests and measurements."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

HASH = "a" * 64
SYMBOLS = ("AAA", "BBB", "CCC")
WIDE = {"max_daily_loss": 1, "max_leverage": 100, "max_orders_per_minute": 1_000_000}
"""Limits without which no session starts, as wide as they may be."""
_STRATEGY = {
    "name": "orders_by_hand", "title": "Orders by hand", "hypothesis": "", "engine": "backtrader",
    "entry_point": "orders_by_hand", "code_hash": HASH, "parameters": [],
}  # fmt: skip

Rows = list[tuple[Any, ...]]


@dataclass
class Account:
    """One account on a desk, as the director, its link and its strategies act on it. `admin` may do all."""

    admin: psycopg.Connection[Any]
    name: str
    id: int
    link: str
    """Token of its link."""
    tokens: dict[int, str] = field(default_factory=dict)
    """Token of each session's strategy."""

    def session(self, capital: float = 100_000, *, clock: str = "wall", price: float = 100) -> int:
        """A session in all symbols with a live strategy and a first bar: of today, or of 2020 in a replay."""
        session_id: int = self.value(
            "select desk.start_trading_session('orders_by_hand', %s, %s, %s, '1d', p_clock => %s)",
            self.name, float(capital), list(SYMBOLS), clock,
        )  # fmt: skip
        self.tokens[session_id] = str(
            self.value("select desk.begin_strategy(%s::bigint, %s, 'host', 2)", session_id, HASH)
        )
        day = dt.datetime.now(dt.UTC) if clock == "wall" else dt.datetime(2020, 1, 6, tzinfo=dt.UTC)
        self.bar(session_id, day.replace(hour=0, minute=0, second=0, microsecond=0), price)
        return session_id

    def bar(self, session_id: int, bar_time: dt.datetime, *prices: float) -> str:
        """Closes of the symbols in their order; a single one is that of all. Answers the level."""
        closes = list(map(float, prices)) * (len(SYMBOLS) if len(prices) == 1 else 1)
        return str(
            self.value(
                "select desk.record_prices(%s::bigint, %s, %s, %s, %s)",
                session_id, self.link, bar_time, list(SYMBOLS), closes,
            )
        )  # fmt: skip

    def alive(self) -> None:
        """Link and strategies are heard of."""
        self.value("select desk.beat_link(%s, %s, 'ready')", self.name, self.link)
        for session_id, token in self.tokens.items():
            self.value("select desk.beat_strategy(%s::bigint, %s)", session_id, token)

    def limit(self, name: str, threshold: float | None, *, of_account: bool = True) -> None:
        """Sets a limit of the account, or of all sessions; None lifts it."""
        account_id = self.id if of_account else None
        self.admin.execute(
            "delete from desk.risk_limits"
            " where limit_name = %s and account_id is not distinct from %s::bigint",
            (name, account_id),
        )
        if threshold is not None:
            self.admin.execute(
                "insert into desk.risk_limits (account_id, limit_name, threshold) values (%s, %s, %s)",
                (account_id, name, threshold),
            )

    def value(self, statement: str, *values: object) -> Any:
        row = self.admin.execute(statement.encode(), values).fetchone()
        assert row is not None
        return row[0]


def submit(
    connection: psycopg.Connection[Any],
    session_id: int,
    key: str,
    symbol: str,
    quantity: float,
    **terms: object,
) -> tuple[int, str, str | None]:
    """Asks for an order in autocommit: its number, state and, where refused, the rule."""
    names = "".join(f", p_{name} => %({name})s" for name in terms)
    row = connection.execute(
        "select id, state, rule from desk.submit_order("
        f"%(session)s::bigint, %(key)s, %(symbol)s, %(quantity)s::float8{names})".encode(),
        {"session": session_id, "key": key, "symbol": symbol, "quantity": quantity, **terms},
    ).fetchone()
    assert row is not None
    number, state, rule = row
    return number, state, rule


def open_account(
    admin: psycopg.Connection[Any], name: str = "PAPER1", limits: dict[str, float] | None = None
) -> Account:
    """A paper account with a live link; on a desk's first one also the strategy and the symbols."""
    admin.execute("select desk.publish_strategies(%s)", (Jsonb([_STRATEGY]),))
    for symbol in SYMBOLS:
        admin.execute("select desk.load_instrument(%s)", (symbol,))
    for status in ("testing", "validated", "paper"):
        admin.execute(
            "update desk.strategies set status = %s where name = 'orders_by_hand' and status <> 'paper'",
            (status,),
        )
    row = admin.execute("select desk.open_account(%s)", (name,)).fetchone()
    assert row is not None
    token = admin.execute("select desk.begin_link(%s, 'host', 1)", (name,)).fetchone()
    assert token is not None
    account = Account(admin, name, row[0], str(token[0]))
    # Tests ask for more than anybody should.
    admin.execute("update desk.settings set value = '1000000000' where name = 'runaway_refusals'")
    for limit, threshold in (WIDE | (limits or {})).items():
        account.limit(limit, threshold)
    account.alive()
    return account


def insist(
    connection: psycopg.Connection[Any], session_id: int, key: str, symbol: str, quantity: float
) -> tuple[int, str, str | None]:
    """As submit(), and again under the same key where it did not get through the gate in time."""
    while True:
        try:
            return submit(connection, session_id, key, symbol, quantity)
        except psycopg.errors.LockNotAvailable:
            continue
