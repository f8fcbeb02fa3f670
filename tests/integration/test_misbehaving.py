"""Strategies that misbehave, through the gate and the stream."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from runners.live.session_broker import Divergence
from runners.live.session_run import DeskSide, Item
from strategies import registry
from strategies.base_strategy import BaseStrategy
from testing import paper
from testing.desks import Desk
from tests.unit.price_samples import wandering

pytestmark = pytest.mark.sql

SERIES = [wandering("A", 1, 60), wandering("B", 2, 60)]
LIMIT = 20


class Misbehaving(BaseStrategy):
    """What it does, its subclass says."""


class Warming(Misbehaving):
    def prenext(self) -> None:
        self.buy(size=1)

    next = prenext


class Flooding(Misbehaving):
    def next(self) -> None:
        if len(self) == 10:
            for number in range(10_000 // 10):
                self.buy(size=1, exectype=2, price=1.0 + number % 2)


class Repeating(Misbehaving):
    """Takes the number of its last order back."""

    def next(self) -> None:
        if len(self) == 10:
            self.buy(size=1)
            self.broker._orders_on_step = 0
            self.buy(size=2)


class Changing(Misbehaving):
    """Random, and not by the generators that are seeded."""

    def next(self) -> None:
        if len(self) % 4 == 0:
            self.buy(size=random.SystemRandom().randint(1, 1_000_000))


class Forgetful(Misbehaving):
    """Orders less, gone through its stream again."""

    times = 0

    def start(self) -> None:
        Forgetful.times += 1

    def next(self) -> None:
        if len(self) in (10, 20) and (Forgetful.times == 1 or len(self) == 10):
            self.buy(size=1, exectype=2, price=1.0)


class Resting(Misbehaving):
    """Holds five, and bids for more where nobody sells."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str]] = []

    def notify_order(self, order: Any) -> None:
        self.seen.append(("buy" if order.isbuy() else "sell", order.getstatusname()))

    def next(self) -> None:
        if len(self) == 5:
            self.buy(size=5)
        if len(self) == 10:
            self.buy(size=5, exectype=2, price=1.0)


CLASSES = (Warming, Flooding, Repeating, Changing, Forgetful, Resting)


@pytest.fixture(scope="module")
def live(desk: Desk) -> Iterator[Desk]:
    entry = registry.entries()["sma_crossover"]
    added = {
        one.__name__.lower(): registry.RegisteredStrategy(
            one.__name__.lower(), one, entry.module, entry.path, entry.root
        )
        for one in CLASSES
    }
    registry._admitted.update(added)
    paper.prepare(desk, SERIES, "1d")
    with desk.connect("admin") as admin:
        published = Jsonb([one.published() for one in added.values()])
        admin.execute("select desk.publish_strategies(%s)", (published,))
    yield desk
    for name in added:
        del registry._admitted[name]


def started(desk: Desk, strategy: type[Misbehaving], **options: Any) -> int:
    return paper.start(desk, strategy.__name__.lower(), ["A", "B"], "1d", 100_000, replay=True, **options)


def orders(desk: Desk, session: int) -> list[Any]:
    with desk.connect("admin") as admin:
        return admin.execute(
            "select state, coalesce(rule, ''), sum(coalesce(times_refused, 1))::integer, count(*)"
            " from desk.broker_orders where trading_session_id = %s group by 1, 2 order by 1, 2",
            (session,),
        ).fetchall()


class Interrupted:
    """Something happens before the strategy comes for items for the so-manieth time."""

    def __init__(self, side: DeskSide, fetches: int, then: Callable[[], None]) -> None:
        self._side, self._left, self._then = side, fetches, then

    def fetch(self, after: int) -> Sequence[Item]:
        self._left -= 1
        if self._left == 0:
            self._then()
        return self._side.fetch(after)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)


def killed() -> None:
    raise KeyboardInterrupt


def gone_through_again(desk: Desk, session: int, fetches: int = 40) -> None:
    with paper.LinkThread(desk, session) as link:
        with pytest.raises(KeyboardInterrupt):
            paper.strategy_of(desk, session, beside=lambda side: Interrupted(side, fetches, killed))
        try:
            paper.strategy_of(desk, session)
        finally:
            link.end()


def test_nothing_is_ordered_while_there_is_only_history(live: Desk) -> None:
    session = started(live, Warming, first=dt.date(2020, 1, 21), warm_up_bars=10)
    with paper.LinkThread(live, session) as link:
        with pytest.raises(RuntimeError, match="nothing can be ordered while there is only history"):
            paper.strategy_of(live, session)
        link.end()
    assert orders(live, session) == []


def test_a_thousand_orders_on_a_bar_are_as_many_as_the_limit_and_few_rows(live: Desk) -> None:
    with live.connect("admin") as admin:
        admin.execute(
            "insert into desk.risk_limits (limit_name, threshold) values ('max_orders_per_second', %s)",
            (LIMIT,),
        )
    try:
        session = started(live, Flooding)
        paper.traded(live, session, {})
    finally:
        with live.connect("admin") as admin:
            admin.execute("delete from desk.risk_limits where limit_name = 'max_orders_per_second'")
    *refused, working = orders(live, session)
    # Where so many came within a minute, the session is reduced on the way.
    assert {rule for _, rule, _, _ in refused} <= {"session max_orders_per_second", "reducing"}
    assert (working[2], sum(times for _, _, times, _ in refused)) == (LIMIT, 1000 - LIMIT)
    assert sum(rows for _, _, _, rows in refused) < 400


def test_a_key_that_is_used_again_for_another_order_stops_it(live: Desk) -> None:
    session = started(live, Repeating)
    with paper.LinkThread(live, session) as link:
        with pytest.raises(Divergence, match=r"was another one: 1 A market\. Asked for now: 2 A market"):
            paper.strategy_of(live, session)
        link.end()
    assert [row[2] for row in orders(live, session)] == [1]


def test_other_orders_on_the_same_stream_are_noticed(live: Desk) -> None:
    session = started(live, Changing)
    with pytest.raises(Divergence, match=r"^Order \d+:1 of session \d+ was another one: \d+ A market"):
        gone_through_again(live, session)


def test_orders_that_are_not_asked_for_again_are_noticed(live: Desk) -> None:
    session = started(live, Forgetful)
    with pytest.raises(Divergence, match="is recorded, and was not asked for on the same stream"):
        gone_through_again(live, session)


def test_what_the_desk_cancels_and_orders_itself_the_strategy_is_told(live: Desk) -> None:
    """A stop cancels what rests and closes what is held; the strategy's account stays the broker's."""

    def stop(session: int) -> None:
        with live.connect("admin") as admin:
            admin.execute("select desk.emergency_stop('drill', 'PAPER', p_exits => 'cancel')")
            admin.execute(
                "select desk.submit_flatten(%s::bigint, 'flat:1', 'A', -5, 'market', l.token)"
                " from desk.account_links as l",
                (session,),
            )

    session = started(live, Resting)
    with paper.LinkThread(live, session) as link:
        strategy = paper.strategy_of(
            live, session, beside=lambda side: Interrupted(side, 20, lambda: stop(session))
        )
    with live.connect("admin") as admin:
        admin.execute("select desk.resume_trading('drilled', 'PAPER')")
        rules = admin.execute("select count(*) from desk.halts where trading_session_id = %s", (session,))
        assert rules.fetchone() == (0,), "no account differs"
    assert link.error is None
    sold = [("sell", "Submitted"), ("sell", "Accepted"), ("sell", "Completed")]
    assert strategy.seen[-4:] == [("buy", "Canceled"), *sold]
    assert strategy.position.size == 0
    assert [row[0] for row in orders(live, session)] == ["cancelled", "filled"]
    # The same again, out of what was recorded.
    assert paper.strategy_of(live, session).seen == strategy.seen
