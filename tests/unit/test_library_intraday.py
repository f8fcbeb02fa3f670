"""Signals of the library's strategies within the day, worked by hand on bars of 5 minutes of one session."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult
from runners.prices.adjusted import adjusted
from runners.prices.generated import generated
from runners.probes.signals import traced
from strategies.registry import resolve
from tests.unit.price_samples import settings_for

OPEN = int(dt.datetime(2012, 6, 5, 13, 30, tzinfo=dt.UTC).timestamp())
"""09:30 in New York on a Tuesday; 78 bars until 16:00."""
STEP = 300


def signals(strategy: str, closes: list[float], **parameters: Any) -> list[tuple[int, str]]:
    """(bar of the session, side); the rest of the session stays at the last close."""
    prices = [*closes, *[closes[-1]] * (78 - len(closes))]
    epochs = [OPEN + STEP * place for place in range(len(prices))]
    series = AdjustedPrices.from_rows("X", epochs, prices, prices, prices, prices, [1.0] * len(prices))
    trace = traced(resolve(strategy), [series], parameters, timeframe="5m")
    assert trace.error is None, trace.error
    return [((one.time - OPEN) // STEP, "buy" if one.size > 0 else "sell") for one in trace.signals]


def test_opening_range_is_left_once_and_closed_at_the_other_end() -> None:
    # Fifteen minutes are bars 0 to 2: 10, 12, 11. Bar 4 at 12 is not above 12, bar 5 at 13 is. Bar 6 at 10 is
    # not below 10, bar 7 at 9 is. Bar 8 is above the range again, but there is one entry a day.
    closes = [10.0, 12, 11, 11, 12, 13, 10, 9, 14, 14]
    assert signals("opening_range_breakout", closes, range_minutes=15) == [(5, "buy"), (7, "sell")]


def test_opening_range_sells_short_only_where_it_may() -> None:
    closes = [10.0, 12, 11, 9, 9, 13]
    assert signals("opening_range_breakout", closes[:5], range_minutes=15) == []
    short = signals("opening_range_breakout", closes, range_minutes=15, sell_short=True)
    assert short == [(3, "sell"), (5, "buy")]


def test_a_narrow_range_is_left_alone() -> None:
    closes = [10.0, 10.1, 10, 10.2]
    # It spans .1 / 10.2, just under 1 %.
    assert signals("opening_range_breakout", closes, range_minutes=15, least_width=0.01) == []
    assert signals("opening_range_breakout", closes, range_minutes=15, least_width=0.009)[0] == (3, "buy")


def test_what_is_open_is_closed_before_the_end_of_the_day() -> None:
    # The bar that ends at 15:55 is the 77th (76 from 0); what it orders is filled at 15:55.
    closes = [10.0, 12, 11, 13]
    assert signals("opening_range_breakout", closes, range_minutes=15) == [(3, "buy"), (76, "sell")]
    # Averages of 1 and 2 cross up at bar 2 and never down again.
    assert signals("sma_eod_example", [10.0, 9, 11, 12], fast=1, slow=2)[0] == (2, "buy")


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])
def test_time_in_the_market_is_counted_where_every_session_ends_flat(stock: bool) -> None:
    # Bought at bar 3 and sold at bar 76, each filled on the bar after: 73 of 78 bars end with a position. The
    # second day is flat until the day's range is known, and its closes do not leave it.
    days = [OPEN + 86_400 * day + STEP * place for day in (0, 1) for place in range(78)]
    closes = [10.0, 12, 11, *[13.0] * 75, *[12.0] * 78]
    series = AdjustedPrices.from_rows("X", days, closes, closes, closes, closes, [1.0] * len(closes))
    settings = settings_for("opening_range_breakout", [series], timeframe="5m", stock=stock)
    points = [Point(1, {"range_minutes": 15})]
    (found,) = BacktraderEngine().run(settings, [series], points, lambda _: None)
    assert isinstance(found, PointResult)
    assert found.metrics["exposed_sessions"] == 0
    assert found.metrics["exposed_time"] == pytest.approx(73 / 78)


def test_averages_cross_within_the_day() -> None:
    # Averages of 1 and 2: closes above at bars 2 and 3, below at bar 4.
    assert signals("sma_eod_example", [10.0, 9, 11, 12, 10, 10], fast=1, slow=2) == [(2, "buy"), (4, "sell")]


def test_nothing_is_bought_in_the_last_half_hour() -> None:
    # Bar 72 ends at 15:35.
    late = [10.0] * 72 + [12.0]
    assert signals("sma_eod_example", late, fast=1, slow=2) == []


def test_both_are_flat_over_night_on_generated_bars() -> None:
    series = [
        adjusted(generated("GEN1", dt.date(2012, 11, 19), dt.date(2012, 11, 30), seed=3, timeframe="5m"))
    ]
    for name in ("sma_eod_example", "opening_range_breakout"):
        trace = traced(resolve(name), series, {}, timeframe="5m")
        assert trace.error is None
        assert trace.signals
        held = 0.0
        by_day: dict[dt.date, float] = {}
        for one in trace.signals:
            held += one.size
            by_day[dt.datetime.fromtimestamp(one.time, dt.UTC).date()] = held
        assert set(by_day.values()) == {0.0}, name
