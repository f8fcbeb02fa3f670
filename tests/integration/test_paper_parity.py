"""On paper, through PostgreSQL, a strategy trades as in its backtest: to the bit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult
from testing import paper
from testing.desks import Desk
from tests.unit.live_pair import Tape
from tests.unit.price_samples import settings_for, wandering

pytestmark = pytest.mark.sql

WARM_UP = 30
COMMISSION = {"percent": 0.001, "per_share": 0.002, "minimum": 1.0}
SLIPPAGE = 0.0005
STATES = {
    "Completed": "filled", "Canceled": "cancelled", "Expired": "cancelled", "Margin": "rejected",
    "Rejected": "rejected", "Accepted": "working", "Partial": "working", "Submitted": "allowed",
}  # fmt: skip
SERIES = [wandering("A", 1, 160), wandering("B", 2, 160, 40), wandering("C", 3, 158)]


@pytest.fixture(scope="module")
def prepared(desk: Desk) -> Desk:
    paper.prepare(desk, SERIES, "1d")
    return desk


def backtest(strategy: str, prices: Sequence[AdjustedPrices], start: dt.date, timeframe: str = "1d") -> Any:
    settings = settings_for(
        strategy, prices, commission=COMMISSION, slippage=SLIPPAGE, warm_up_bars=WARM_UP,
        start_date=start.isoformat(), timeframe=timeframe,
    )  # fmt: skip
    engine = BacktraderEngine({"tape": Tape})
    (outcome,) = engine.run(settings, prices, [Point(1, {})], lambda _: None)
    assert isinstance(outcome, PointResult), outcome
    return engine.analyses["tape"], settings.cash


def started(desk: Desk, strategy: str, prices: Sequence[AdjustedPrices], start: dt.date, cash: float) -> int:
    from psycopg.types.json import Jsonb

    return paper.start(
        desk, strategy, [one.symbol for one in prices], "1d", cash, replay=True, first=start,
        warm_up_bars=WARM_UP, commission=Jsonb(COMMISSION), slippage=SLIPPAGE, seed=1,
        last=dt.datetime.fromtimestamp(prices[0].epochs[-1], dt.UTC).date(),
    )  # fmt: skip


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


@pytest.mark.parametrize("strategy", ["sma_crossover", "sma_crossover_risk_managed", "bollinger_reversion"])
def test_a_strategy_trades_on_paper_as_in_its_backtest(prepared: Desk, strategy: str) -> None:
    start = dt.datetime.fromtimestamp(SERIES[0].epochs[WARM_UP], dt.UTC).date()
    wanted, cash = backtest(strategy, SERIES, start)
    session = started(prepared, strategy, SERIES, start, cash)
    found = paper.traded(prepared, session, {"tape": Tape}).analyzers.tape.get_analysis()
    assert found["orders"] == wanted["orders"]
    assert found["fills"] == wanted["fills"]
    assert found["values"] == wanted["values"]
    assert states(prepared, session) == [STATES[state] for state in last_states(wanted["orders"])]
