"""Random orders, cancels, words, fills, corrections, prices and halts against a small model of the gate.

After each step orders, positions, cash and exposure are the model's, and what was allowed breaks no limit.
Each sequence is one transaction that is rolled back. Fast: as many as run in ten seconds; long: 20,000.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from time import monotonic
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, seed, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from testing.accounts import SYMBOLS, Account, open_account
from testing.desks import Desk

pytestmark = pytest.mark.live

FAST_SECONDS = 10
CAPITAL = 10_000.0
MOST_SHARES = 30
MOST_OF_ACCOUNT = 40
MOST_GROSS = 1.2
OPEN = ("allowed", "sending", "working", "unresolved")
sizes = strategies.integers(1, 20)
sides = strategies.sampled_from((1, -1))
symbols = strategies.sampled_from(SYMBOLS)
sessions = strategies.integers(0, 1)
draw = strategies.integers(0, 999)


@dataclass
class Order:
    """An allowed order as the model has it."""

    number: int
    session: int
    symbol: str
    quantity: int
    state: str = "allowed"
    filled: int = 0
    reduces: bool = False
    flattens: bool = False
    cancel_asked: bool = False
    was_sent: bool = False

    @property
    def left(self) -> int:
        return abs(self.quantity) - self.filled


def step(function: Callable[..., None]) -> Callable[..., None]:
    """A step, after which everything is looked at."""

    @wraps(function)
    def run(self: GateMachine, **drawn: object) -> None:
        function(self, **drawn)
        self.check()

    return run


class GateMachine(RuleBasedStateMachine):
    """`account` is set by the test; two sessions of it trade the same symbols."""

    account: Account
    ran = 0

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[Order] = []
        self.fills: dict[str, tuple[Order, int, float]] = {}
        type(self).ran += 1
        self.account.admin.execute("begin")
        self.sessions = [self.account.session(CAPITAL, clock="stream") for _ in range(2)]
        self.keys = 0
        self.day = dt.datetime(2020, 1, 6, tzinfo=dt.UTC)
        self.price = dict.fromkeys(SYMBOLS, 100.0)
        self.loose = False
        """Something came after the last word: limits that it breaks were not broken by an order."""
        self.cash = [CAPITAL, CAPITAL]
        self.held: dict[tuple[int, str], int] = {}
        self.corrected: list[str] = []
        self.level = "active"

    def teardown(self) -> None:
        self.account.admin.execute("rollback")

    def value(self, statement: str, *values: object) -> Any:
        return self.account.value(statement, *values)

    # The model's figures

    def reach(self, session: int | None, symbol: str) -> tuple[int, int, int]:
        held = sum(n for (one, name), n in self.held.items() if name == symbol and session in (None, one))
        waiting = [
            order
            for order in self.orders
            if order.state in OPEN and order.symbol == symbol and session in (None, order.session)
            and not order.cancel_asked
        ]  # fmt: skip
        buys = sum(order.left for order in waiting if order.quantity > 0)
        sells = sum(order.left for order in waiting if order.quantity < 0)
        return held, held + buys, held - sells

    def worst(self, session: int | None, symbol: str) -> int:
        return max(map(abs, self.reach(session, symbol)))

    def worth(self, session: int) -> float:
        held = ((symbol, n) for (one, symbol), n in self.held.items() if one == session)
        return self.cash[session] + sum(n * self.price[symbol] for symbol, n in held)

    def expected(self, session: int, symbol: str, quantity: int, intent: str) -> str:
        if self.level == "halted" and intent != "flatten":
            return "halted"
        _, most, least = self.reach(session, symbol)
        if most + quantity <= 0 if quantity > 0 else least + quantity >= 0:
            return "reduces"
        if self.level != "active" or intent == "flatten":
            return "reducing"
        for whose, keeper, most_shares in (
            (session, "session", MOST_SHARES),
            (None, "account", MOST_OF_ACCOUNT),
        ):
            held, most, least = self.reach(whose, symbol)
            worst = max(abs(held), abs(most + max(quantity, 0)), abs(least + min(quantity, 0)))
            if worst > most_shares:
                return f"{keeper} max_position_shares"
            gross = worst * self.price[symbol] + sum(
                self.worst(whose, name) * self.price[name] for name in SYMBOLS if name != symbol
            )
            value = self.worth(session) if whose is not None else self.worth(0) + self.worth(1)
            if keeper == "account" and gross > MOST_GROSS * value * (1 + 1e-9):
                return "account max_leverage"
        return "allowed"

    # What may happen

    @rule(session=sessions, symbol=symbols, size=sizes, side=sides)
    @step
    def ask_again(self, session: int, symbol: str, size: int, side: int) -> None:
        self.order(session, symbol, size, side, False)

    @rule(session=sessions, symbol=symbols, size=sizes, side=sides, flattens=strategies.booleans())
    @step
    def ask(self, session: int, symbol: str, size: int, side: int, flattens: bool) -> None:
        self.order(session, symbol, size, side, flattens)

    def order(self, session: int, symbol: str, size: int, side: int, flattens: bool) -> None:
        intent = "flatten" if flattens and self.level == "halted" else "trade"
        wanted = self.expected(session, symbol, side * size, intent)
        self.keys += 1
        row = self.account.admin.execute(
            "select o.id, coalesce(o.rule, case when o.reduces then 'reduces' else o.state end)"
            " from desk.place_orders(array[jsonb_populate_record(null::desk.broker_orders, %s)], null) as o",
            (psycopg.types.json.Jsonb({
                "trading_session_id": self.sessions[session], "key": f"m{session}:{self.keys}",
                "symbol": symbol, "quantity": side * size, "type": "market", "time_in_force": "gtc",
                "intent": intent,
            }),),
        ).fetchone()  # fmt: skip
        assert row is not None
        assert row[1] == wanted
        if wanted in ("allowed", "reduces"):
            self.orders.append(
                Order(
                    row[0],
                    session,
                    symbol,
                    side * size,
                    reduces=wanted == "reduces",
                    flattens=intent == "flatten",
                )
            )

    @rule(which=draw)
    @step
    def cancel(self, which: int) -> None:
        known = [order for order in self.orders if order.state in OPEN] or self.orders
        if not known:
            return
        order = known[which % len(known)]
        state = self.value("select desk.cancel_order(%s::bigint, 'strategy', 'model')", order.number)
        if order.state == "allowed":
            order.state = "cancelled"
        elif order.state in OPEN:
            order.cancel_asked = True
        assert state == order.state

    @rule()
    @step
    def take(self) -> None:
        self.take_all()

    def take_all(self) -> None:
        found = self.account.admin.execute(
            "select id from desk.take_orders(%s, %s, 1000)", (self.account.name, self.account.link)
        ).fetchall()
        sent = []
        for order in self.orders:
            if order.state == "allowed":
                stopped = self.level == "halted" or (self.level == "reducing" and not order.reduces)
                order.state = "cancelled" if stopped and not order.flattens else "sending"
                order.was_sent = order.state == "sending"
                sent += [order.number] if order.state == "sending" else []
        assert [number for (number,) in found] == sent

    @rule(
        which=draw,
        state=strategies.sampled_from(("working", "cancelled", "rejected", "unresolved", "never_sent")),
    )
    @step
    def word(self, which: int, state: str) -> None:
        known = [order for order in self.orders if order.state in OPEN[1:]]
        if not known:
            return
        order = known[which % len(known)]
        edges = {
            "sending": {"working", "cancelled", "rejected", "unresolved"},
            "working": {"cancelled", "rejected", "unresolved"},
            "unresolved": {"working", "cancelled", "rejected", "never_sent"},
        }
        if order.state == state or state in edges[order.state]:
            self.value(
                "select desk.record_order_state(%s, %s, %s::bigint, %s)",
                self.account.name, self.account.link, order.number, state,
            )  # fmt: skip
            order.state = state
        else:
            with pytest.raises(psycopg.errors.CheckViolation), self.account.admin.transaction():
                self.value(
                    "select desk.record_order_state(%s, %s, %s::bigint, %s)",
                    self.account.name, self.account.link, order.number, state,
                )  # fmt: skip

    def record(self, key: str, revision: int, order: Order, size: int, price: float) -> str:
        sign = 1 if order.quantity > 0 else -1
        return str(
            self.value(
                "select desk.record_execution("
                "%s, %s, %s, %s::integer, %s::bigint, %s, %s::float8, %s, now(), 0)",
                self.account.name, self.account.link, key, revision, order.number, order.symbol, sign * size,
                price,
            )
        )  # fmt: skip

    def book(self, order: Order, size: int, price: float) -> None:
        sign = 1 if order.quantity > 0 else -1
        place = (order.session, order.symbol)
        self.held[place] = self.held.get(place, 0) + sign * size
        self.cash[order.session] -= sign * size * price
        order.filled += size
        if size < 0:
            return
        if not order.left:
            order.state = "filled"
        elif order.state == "filled":
            order.state = "unresolved"
        elif order.state in ("sending", "unresolved"):
            order.state = "working"

    @rule(which=draw, part=draw, cents=strategies.integers(-100, 100))
    @step
    def fill(self, which: int, part: int, cents: int) -> None:
        """The desk's own broker fills nothing whose cancel was asked for."""
        if part % 2:
            self.take_all()
        known = [
            order
            for order in self.orders
            if order.state in OPEN[1:] and order.left and not order.cancel_asked
        ]
        if known:
            self.fill_one(known[which % len(known)], part, 100 + cents / 100)

    @rule(which=draw)
    @step
    def late_fill(self, which: int) -> None:
        known = [order for order in self.orders if order.was_sent and order.state not in OPEN and order.left]
        if known:
            self.loose = True
            self.fill_one(known[which % len(known)], which, 100.0)

    def fill_one(self, order: Order, part: int, price: float) -> None:
        size = 1 + part % order.left
        key = f"x{self.sessions[0]}:{len(self.fills)}"
        self.book(order, size, price)
        self.fills[key] = (order, size, price)
        assert self.record(key, 1, order, size, price) == "recorded"
        assert self.record(key, 1, order, size, price) == "known"

    @rule(which=draw, fewer=strategies.integers(0, 1), cents=strategies.integers(-50, 50))
    @step
    def correct(self, which: int, fewer: int, cents: int) -> None:
        """Another price, and perhaps a unit less: corrected, then known. Each fill at most twice."""
        if not self.fills:
            return
        key = [*self.fills][which % len(self.fills)]
        order, size, price = self.fills[key]
        revision = 2 + self.corrected.count(key)
        if revision > 3:
            return
        # A fill that was corrected away has nothing left to take.
        fewer = min(fewer, size)
        self.corrected.append(key)
        self.loose = self.loose or fewer > 0
        self.book(order, -size, price)
        self.book(order, size - fewer, price + cents / 100)
        self.fills[key] = (order, size - fewer, price + cents / 100)
        assert self.record(key, revision, order, size - fewer, price + cents / 100) == "corrected"
        assert self.record(key, revision - 1, order, size, price) == "known"

    @rule(cents=strategies.tuples(*[strategies.integers(-300, 300)] * 3), session=sessions)
    @step
    def bar(self, cents: tuple[int, ...], session: int) -> None:
        """A bar of both sessions, prices near 100 so that limits are broken by orders alone."""
        self.day += dt.timedelta(days=1)
        self.price = {symbol: 100 + one / 100 for symbol, one in zip(SYMBOLS, cents, strict=True)}
        for one in self.sessions:
            self.account.bar(one, self.day, *self.price.values())

    @rule(level=strategies.sampled_from(("reducing", "halted", *["active"] * 4)))
    @step
    def halt(self, level: str) -> None:
        if level == "halted":
            self.value("select desk.emergency_stop('model', %s)", self.account.name)
            self.level = "halted"
        elif level == "active":
            self.value("select desk.resume_trading('model', %s)", self.account.name)
            self.level = "active"
        elif self.level == "active":
            self.account.admin.execute(
                "insert into desk.halts (account_id, level, rule, reason)"
                " values (%s, 'reducing', 'x', 'model')",
                (self.account.id,),
            )
            self.level = "reducing"

    # What must hold

    def check(self) -> None:
        rows = self.account.admin.execute(
            "select id, state, filled, cancel_asked_at is not null from desk.broker_orders"
            " where trading_session_id = any (%s) and state <> 'refused' order by id", (self.sessions,),
        ).fetchall()  # fmt: skip
        model = [(o.number, o.state, o.filled) for o in self.orders]
        assert [row[:3] for row in rows] == model
        ledgers = self.account.admin.execute(
            "select cash, value from desk.session_ledgers where trading_session_id = any (%s)"
            " order by trading_session_id",
            (self.sessions,),
        ).fetchall()
        for number, (cash, worth) in enumerate(ledgers):
            assert cash == pytest.approx(self.cash[number], abs=1e-6)
            assert worth == pytest.approx(self.worth(number), abs=1e-6)
        reached = {
            symbol: (figures[:3], figures[3:6])
            for symbol, *figures in self.account.admin.execute(
                "select * from desk.reach(%s, %s)", (self.account.id, self.sessions[0])
            )
        }
        for symbol in SYMBOLS:
            whose: tuple[tuple[bool, int | None], ...] = ((True, 0), (False, None))
            for own, session in whose:
                found = reached.get(symbol, ([0] * 3, [0] * 3))[0 if own else 1]
                assert tuple(found) == self.reach(session, symbol)
                most = MOST_SHARES if own else MOST_OF_ACCOUNT
                assert self.loose or self.worst(session, symbol) <= most, "a limit is broken"


@pytest.fixture(scope="module")
def account(desk: Desk) -> Iterator[Account]:
    with desk.connect("admin") as admin:
        found = open_account(
            admin, limits={"max_position_shares": MOST_OF_ACCOUNT, "max_leverage": MOST_GROSS}
        )
        found.limit("max_position_shares", MOST_SHARES, of_account=False)
        # No beat is sent here, however long it takes.
        admin.execute("update desk.settings set value = '1000000' where name = 'beat_seconds'")
        yield found


def run(account: Account, number: int, steps: int, examples: int) -> int:
    """Some sequences, others for each number; answers how many."""
    machine: Any = seed(number)(type("Machine", (GateMachine,), {"account": account, "ran": 0}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=False, database=None,
            suppress_health_check=[*HealthCheck],
        ),
    )  # fmt: skip
    return int(machine.ran)


def test_the_gate_is_its_model(account: Account) -> None:
    end, ran, number = monotonic() + FAST_SECONDS, 0, 0
    while monotonic() < end:
        ran += run(account, number, 40, 5)
        number += 1
    assert ran >= 5


@pytest.mark.long
def test_the_gate_is_its_model_twenty_thousand_times(account: Account) -> None:
    ran = 0
    wanted = int(os.environ.get("GATE_SEQUENCES", "20000"))
    while ran < wanted:
        ran += run(account, 1_000_000 + ran, 50, min(500, wanted - ran))
