"""Through the paper broker a strategy trades as it does in a backtest, to the bit."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.backtrader.warm_up import bars_before
from runners.engines.base import AdjustedPrices, Commission, Point, PointResult
from runners.live.paper_broker import Account
from runners.live.strategy_run import Trading
from strategies.registry import entries
from tests.unit.live_pair import ObligingGate, Tape, steps_of, traded
from tests.unit.price_samples import real, settings_for, wandering

WARM_UP = 30
COMMISSION = {"percent": 0.001, "per_share": 0.002, "minimum": 1.0}
SLIPPAGE = 0.0005
PRICES = {
    "one calendar": [real("GOOG", 400), real("AAPL", 400), real("IBM", 400)],
    "gaps": [wandering("A", 1, 420), wandering("B", 2, 420, 40), wandering("C", 3, 400)],
}


def backtest(strategy: str, prices: Sequence[AdjustedPrices], timeframe: str = "1d") -> Any:
    start = dt.datetime.fromtimestamp(prices[0].epochs[WARM_UP], dt.UTC).date()
    settings = settings_for(
        strategy, prices, commission=COMMISSION, slippage=SLIPPAGE, warm_up_bars=WARM_UP,
        start_date=start.isoformat(), timeframe=timeframe,
    )  # fmt: skip
    engine = BacktraderEngine({"tape": Tape})
    (outcome,) = engine.run(settings, prices, [Point(1, {})], lambda _: None)
    assert isinstance(outcome, PointResult), outcome
    trading = Trading(
        strategy, {}, settings.symbols, timeframe,
        Account(settings.cash, Commission(**COMMISSION), SLIPPAGE), settings.seed,
        bars_before(prices[0], start), {"tape": Tape},
    )  # fmt: skip
    return engine.analyses["tape"], trading, calendar.timegm(start.timetuple())


@pytest.mark.parametrize("strategy", sorted(entries()))
@pytest.mark.parametrize("prices", PRICES)
def test_a_strategy_of_the_library_trades_as_in_its_backtest(strategy: str, prices: str) -> None:
    series = PRICES[prices][: 2 if strategy == "pairs_reversion" else 3]
    wanted, trading, begins = backtest(strategy, series)
    gate = ObligingGate()
    found, executions, _ = traded(trading, steps_of(series), begins, gate)
    assert found["orders"] == wanted["orders"]
    assert found["fills"] == wanted["fills"]
    assert found["values"] == wanted["values"]
    assert [one.quantity for one in executions] == [fill[2] for fill in wanted["fills"]]
