"""On paper, through PostgreSQL, a strategy trades as in its backtest: to the bit."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult
from runners.live.feeds import Arrival, arrivals
from runners.prices.bars import Bars
from runners.prices.generated import generated
from strategies.registry import LIBRARY
from testing import paper
from testing.desks import Desk
from tests.unit.live_pair import Tape
from tests.unit.price_samples import settings_for, wandering

pytestmark = pytest.mark.sql

COMMISSION = {"percent": 0.001, "per_share": 0.002, "minimum": 1.0}
SLIPPAGE = 0.0005
STATES = {
    "Completed": "filled", "Canceled": "cancelled", "Expired": "cancelled", "Margin": "rejected",
    "Rejected": "rejected", "Accepted": "working", "Partial": "working", "Submitted": "allowed",
}  # fmt: skip
SERIES = [wandering("A", 1, 160), wandering("B", 2, 160, 40), wandering("C", 3, 158)]
LONGER = [wandering("D", 1, 420), wandering("E", 2, 420, 40), wandering("F", 3, 418)]
LONG_SERIES = {"5m": dt.date(2024, 5, 7), "1m": dt.date(2024, 5, 3)}
"""First of the days, to 2024-05-10."""
DAY = 86_400


def intraday(timeframe: str) -> list[AdjustedPrices]:
    found = []
    for number, symbol in enumerate(("A", "B", "C")):
        one = generated(
            f"{symbol}{timeframe.upper()}", LONG_SERIES[timeframe], dt.date(2024, 5, 10),
            seed=number, timeframe=timeframe,
        )  # fmt: skip
        bars = Bars.of(one.bars)
        columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        epochs = [int(time) // 1_000_000 for time in bars.times]
        found.append(AdjustedPrices.from_rows(one.symbol, epochs, *(column.tolist() for column in columns)))
    return found


@pytest.fixture(scope="module")
def prepared(desk: Desk) -> Desk:
    paper.prepare(desk, SERIES, "1d")
    return desk


def first_session(prices: Sequence[AdjustedPrices], timeframe: str) -> dt.date:
    """After some bars that warm up."""
    if timeframe != "1d":
        return LONG_SERIES[timeframe] + dt.timedelta(days=1 if timeframe == "5m" else 3)
    return dt.datetime.fromtimestamp(prices[0].epochs[30], dt.UTC).date()


def backtest(strategy: str, prices: Sequence[AdjustedPrices], timeframe: str) -> Any:
    start = first_session(prices, timeframe)
    days = {} if timeframe == "1d" else {"session_days": [["America/New_York", 0]] * len(prices)}
    settings = settings_for(
        strategy, prices, commission=COMMISSION, slippage=SLIPPAGE, warm_up_bars=30,
        start_date=start.isoformat(), timeframe=timeframe, **days,
    )  # fmt: skip
    engine = BacktraderEngine({"tape": Tape})
    (outcome,) = engine.run(settings, prices, [Point(1, {})], lambda _: None)
    assert isinstance(outcome, PointResult), outcome
    return engine.analyses["tape"]


def warm_up(prices: Sequence[AdjustedPrices], timeframe: str) -> int:
    """Bars of the first symbol before the window; the engine takes all that it is given."""
    if timeframe == "1d":
        return 30
    midnight = dt.datetime.combine(first_session(prices, timeframe), dt.time(4), dt.UTC)
    return sum(epoch < midnight.timestamp() for epoch in prices[0].epochs)


def traded(
    desk: Desk, strategy: str, prices: Sequence[AdjustedPrices], timeframe: str, coming: Any = None
) -> tuple[int, Any]:
    session = paper.start(
        desk, strategy, [one.symbol for one in prices], timeframe, 100_000, replay=True, seed=1,
        first=first_session(prices, timeframe), warm_up_bars=warm_up(prices, timeframe),
        commission=Jsonb(COMMISSION), slippage=SLIPPAGE,
        last=dt.datetime.fromtimestamp(prices[0].epochs[-1], dt.UTC).date(),
    )  # fmt: skip
    found = paper.traded(desk, session, {"tape": Tape}, coming)
    return session, found.analyzers.tape.get_analysis()


def states(desk: Desk, session: int) -> list[str]:
    """Of all orders in the order in which they were asked for, as SQL has them."""
    with desk.connect("admin") as admin:
        rows = admin.execute(
            "select state from desk.broker_orders where trading_session_id = %s order by id", (session,)
        ).fetchall()
    return [state for (state,) in rows]


def last_states(seen: list[Any]) -> list[str]:
    """Of each order the last that its strategy saw."""
    last: dict[int, str] = {}
    for number, state, *_ in seen:
        last[number] = state
    return [last[number] for number in sorted(last)]


def compare(desk: Desk, strategy: str, prices: Sequence[AdjustedPrices], timeframe: str) -> None:
    wanted = backtest(strategy, prices, timeframe)
    session, found = traded(desk, strategy, prices, timeframe)
    assert found["orders"] == wanted["orders"]
    assert found["fills"] == wanted["fills"]
    assert found["values"] == wanted["values"]
    kept = states(desk, session)
    # Decided on the last bar, an order is allowed and seen by nobody.
    seen = [STATES[state] for state in last_states(wanted["orders"])]
    assert kept[: len(seen)] == seen
    assert set(kept[len(seen) :]) <= {"allowed", "sending"}


@pytest.mark.parametrize("strategy", ["sma_crossover_risk_managed", "bollinger_reversion"])
def test_a_strategy_trades_on_paper_as_in_its_backtest(prepared: Desk, strategy: str) -> None:
    compare(prepared, strategy, SERIES, "1d")


def shuffled(coming: list[Arrival], seconds: int) -> list[Arrival]:
    """Each bar later by up to two fifths of its length; some come again, some had other figures before."""
    chance = random.Random(7)
    found = []
    for _, bars in groupby(coming, key=lambda one: one.epoch):
        late = sorted(
            (
                Arrival(one.at + chance.random() * 0.4 * seconds, one.symbol, one.epoch, one.bar)
                for one in bars
            ),
            key=lambda one: one.at,
        )
        found += late
        first, last = late[0], late[-1]
        if chance.random() < 0.3 and first is not last:
            wrong = first.bar._replace(close=first.bar.close * 1.01)
            found.append(Arrival(first.at - 0.01 * seconds, first.symbol, first.epoch, wrong))
        if chance.random() < 0.3:
            found.append(Arrival(last.at + 0.05 * seconds, first.symbol, first.epoch, first.bar))
    return sorted(found, key=lambda one: one.at)


def test_bars_that_come_shuffled_repeated_and_corrected_give_the_same_trades(prepared: Desk) -> None:
    prices = SERIES
    coming = shuffled(arrivals(prices, DAY), DAY)
    _, wanted = traded(prepared, "bollinger_reversion", prices, "1d")
    session, found = traded(prepared, "bollinger_reversion", prices, "1d", coming)
    assert found == wanted
    with prepared.connect("admin") as admin:
        kinds = dict(
            admin.execute(
                "select kind, count(*) from desk.session_stream where trading_session_id = %s group by kind",
                (session,),
            ).fetchall()
        )
    assert min(kinds["corrected"], kinds["missing"], kinds["late"]) > 2


@pytest.mark.long
@pytest.mark.live
@pytest.mark.parametrize("timeframe", ["1d", "5m", "1m"])
def test_the_whole_library_trades_on_paper_as_in_its_backtest(desk: Desk, timeframe: str) -> None:
    prices = LONGER if timeframe == "1d" else intraday(timeframe)
    paper.prepare(desk, prices, timeframe)
    for strategy in LIBRARY:
        compare(desk, strategy, prices[: 2 if strategy == "pairs_reversion" else 3], timeframe)
