"""A strategy's process that is killed anywhere comes back: the undisturbed run's tape and orders."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from runners.live.session_run import DeskSide, Item
from runners.live.starting import Start, link_command, session_command, start_session
from runners.live.steps import OrderTerms
from testing import paper
from testing.desks import Desk, environment
from tests.unit.live_pair import Tape
from tests.unit.price_samples import wandering

pytestmark = pytest.mark.sql

SERIES = [wandering("A", 1, 120), wandering("B", 2, 120), wandering("C", 3, 120)]
STRATEGY = "sma_crossover_risk_managed"
FAST_KILLS, LONG_KILLS = 15, 1000


@pytest.fixture(scope="module")
def prepared(desk: Desk) -> Desk:
    paper.prepare(desk, SERIES, "1d")
    return desk


class Killed(BaseException):
    """What ends the strategy's run, as a kill would."""


class KilledAt:
    """Ends the run at a question to the desk: before it is asked, or once the answer is on its way."""

    def __init__(self, side: DeskSide, place: int, *, answered: bool) -> None:
        self._side, self._left, self._answered = side, place, answered

    def fetch(self, after: int) -> Sequence[Item]:
        found: Sequence[Item] = self._asked(self._side.fetch, after)
        return found

    def submit(self, orders: list[OrderTerms]) -> list[str | None]:
        reasons: list[str | None] = self._asked(self._side.submit, orders)
        return reasons

    def cancel(self, key: str) -> None:
        self._asked(self._side.cancel, key)

    def record_rows(self, logged: Any, keys: Any) -> None:
        self._asked(self._side.record_rows, logged, keys)

    def _asked(self, ask: Any, *values: Any) -> Any:
        self._left -= 1
        if self._left == 0 and not self._answered:
            raise Killed
        answer = ask(*values)
        if self._left == 0:
            raise Killed
        return answer


def started(desk: Desk) -> int:
    return paper.start(desk, STRATEGY, ["A", "B", "C"], "1d", 100_000, replay=True, seed=1)


def orders(desk: Desk, session: int) -> list[Any]:
    with desk.connect("admin") as admin:
        return admin.execute(
            "select o.key, o.symbol, o.quantity, o.state, o.reason, o.filled_value, count(e.id),"
            " count(*) filter (where v.to_state = 'sending')"
            " from desk.broker_orders as o left join desk.executions as e on e.order_id = o.id"
            " left join desk.broker_order_events as v on v.order_id = o.id and v.to_state = 'sending'"
            " where o.trading_session_id = %s group by o.id order by o.key",
            (session,),
        ).fetchall()


def test_killed_fifteen_times_it_trades_as_if_nothing_had_happened(prepared: Desk) -> None:
    whole = started(prepared)
    tape = paper.traded(prepared, whole, {"tape": Tape}).analyzers.tape.get_analysis()
    chance = random.Random(11)
    session = started(prepared)
    kills = 0
    with paper.LinkThread(prepared, session) as link:
        while True:
            place, answered = chance.randint(1, 12 + kills), chance.random() < 0.5
            if kills == FAST_KILLS:
                place = 1 << 30
            try:
                strategy = paper.strategy_of(
                    prepared, session, {"tape": Tape},
                    beside=lambda side: KilledAt(side, place, answered=answered),  # noqa: B023
                )  # fmt: skip
                break
            except Killed:
                kills += 1
    assert link.error is None
    assert kills == FAST_KILLS
    assert strategy.analyzers.tape.get_analysis() == tape
    assert orders(prepared, session) == orders(prepared, whole)
    sent = [row[-1] for row in orders(prepared, session)]
    assert len(sent) > 5
    assert set(sent) == {1}, "nothing is sent twice"


@pytest.mark.long
@pytest.mark.live
def test_processes_killed_at_random(desk: Desk) -> None:
    paper.prepare(desk, SERIES, "1d")
    kill_at_random(desk, LONG_KILLS, random.Random())


def kill_at_random(desk: Desk, kills: int, chance: random.Random) -> int:
    """kill -9 of a session's process, or of its link, until there were so many; sessions that ended."""
    with environment(desk.environment):
        with desk.connect("admin") as admin:
            paper.validated(admin, STRATEGY)
        wanted: list[Any] | None = None
        done, sessions = 0, 0
        while done < kills:
            with desk.connect("director") as director:
                session = start_session(
                    director,
                    Start(STRATEGY, "PAPER", 100_000.0, ["A", "B", "C"], replay=True, seed=1),
                    desk.settings,
                ).session_id
            done += _killed(session, chance if wanted is not None else None)
            found = [(row[0], *row[1:]) for row in orders(desk, session)]
            wanted = wanted or found
            assert found == wanted
            sessions += 1
    return sessions


def _killed(session: int, chance: random.Random | None) -> int:
    """Runs a session to its end, and answers how often one of its processes was killed on the way."""
    kills = 0
    commands = {"link": link_command("PAPER", session), "session": session_command(session)}
    alive = {name: subprocess.Popen(command, env=os.environ) for name, command in commands.items()}
    try:
        while True:
            try:
                code = alive["session"].wait(None if chance is None else chance.uniform(1.0, 4.0))
                assert code == 0, f"it ended with {code}"
                return kills
            except subprocess.TimeoutExpired:
                name = "session"
                if chance is not None and chance.random() < 0.4:
                    name = "link"
                alive[name].send_signal(signal.SIGKILL)
                alive[name].wait()
                alive[name] = subprocess.Popen(commands[name], env=os.environ)
                kills += 1
    finally:
        for process in alive.values():
            process.kill()
            process.wait()
