"""Every strategy of the library gives the same bits in the fast loop as in Backtrader's own."""

from __future__ import annotations

import datetime as dt

import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult, RunSettings
from strategies.registry import entries
from tests.unit.price_samples import real, settings_for, wandering

PRICES = {
    "one calendar": [real("GOOG", 400), real("AAPL", 400), real("IBM", 400)],
    "gaps": [wandering("A", 1, 420), wandering("B", 2, 420, 40), wandering("C", 3, 400)],
}
VARIANTS = 3


def run(settings: RunSettings, prices: list[AdjustedPrices], points: list[Point]) -> list[object]:
    """Every outcome, without what differs from run to run or says which loop it was."""
    found: list[object] = []
    for outcome in BacktraderEngine().run(settings, prices, points, lambda _: None):
        if isinstance(outcome, PointResult):
            metrics = {k: v for k, v in outcome.metrics.items() if k not in ("duration", "engine_metrics")}
            found.append((outcome.sessions, outcome.equity, outcome.trades, metrics))
            if not settings.stock:
                assert outcome.metrics["engine_metrics"] == {"loop": "fast"}
        else:
            found.append((outcome.kind, outcome.error.splitlines()[0]))
    return found


@pytest.mark.parametrize("strategy", sorted(entries()))
@pytest.mark.parametrize("prices", PRICES)
def test_a_strategy_of_the_library(strategy: str, prices: str) -> None:
    series = PRICES[prices]
    declared = entries()[strategy].parameters
    numbers = [one for one in declared if one.type is int and one.name != "position_share"]
    points = [Point(0, {})]
    for step in range(1, VARIANTS):
        changed = {
            one.name: min(one.default + step, one.maximum or 10**6)
            for one in numbers
            if isinstance(one.default, int)
        }
        points.append(Point(step, changed))
    options = {
        "commission": {"percent": 0.001, "per_share": 0.002, "minimum": 1.0},
        "slippage": 0.0005,
        "warm_up_bars": 30,
        "start_date": dt.datetime.fromtimestamp(series[0].epochs[30], dt.UTC).date().isoformat(),
    }
    fast, stock = (
        run(settings_for(strategy, series, stock=stock, **options), series, points) for stock in (False, True)
    )
    assert fast == stock
