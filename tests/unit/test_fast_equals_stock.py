"""Whatever a strategy does, the fast loop shows it what Backtrader's own shows, to the bit."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runners.engines.backtrader.fast_results import ResultCache
from tests.unit.scripted_strategy import Case, alike

pytestmark = pytest.mark.engine

FEED = st.integers(0, 2)
SIZE = st.sampled_from([1, 3, 10, 40, 500, 2.5])
BACK = st.integers(0, 3)
KINDS = [
    bt.Order.Market, bt.Order.Close, bt.Order.Limit, bt.Order.Stop, bt.Order.StopLimit, bt.Order.StopTrail,
    bt.Order.StopTrailLimit,
]  # fmt: skip
ORDER = st.tuples(
    st.just("order"),
    FEED,
    st.booleans(),
    st.sampled_from(KINDS),
    SIZE,
    st.sampled_from([0.93, 0.97, 0.99, 1.0, 1.01, 1.03, 1.07]),
    st.sampled_from([None, 0.98, 1.0, 1.02]),
    st.sampled_from([None, None, 0, 1, 4, "date", "number"]),
    st.sampled_from([(None, None), (1.0, None), (None, 0.04)]),
    st.none() | BACK,
    st.sampled_from([0, 0, 0, 1]),
)
BRACKET = st.tuples(
    st.just("bracket"), FEED, st.booleans(), SIZE, st.sampled_from([0.02, 0.05, 0.1]), st.booleans()
)
TARGET = st.tuples(
    st.just("target"), FEED, st.sampled_from(["percent", "value", "size"]), st.sampled_from([0, 0.4, 0.9, 30])
)
PLAIN = st.one_of(
    ORDER,
    ORDER,
    BRACKET,
    TARGET,
    st.tuples(st.just("cancel"), FEED, BACK),
    st.tuples(st.just("close"), FEED),
)
ODD = st.one_of(
    st.tuples(st.just("add_cash"), FEED, st.sampled_from([5_000.0, -500.0])),
    st.tuples(st.just("value_of"), FEED),
    st.tuples(st.just("setcommission"), FEED, st.sampled_from([None, 25.0])),
    st.tuples(st.just("stop_run"), FEED),
)
INDICATOR = st.tuples(
    st.sampled_from([
        "sma", "sma of high", "rsi", "cross", "bands", "operation", "constant", "of operation", "macd", "atr",
        "stochastic", "two feeds", "own", "by bar", "sum", "sum of late", "endless",
    ]),
    FEED,
    st.integers(2, 9),
)  # fmt: skip


@st.composite
def cases(draw: Any, *, bars: int = 50, actions: int = 14) -> Case:
    gaps = draw(st.sampled_from([0.0, 0.0, 0.15]))
    feeds = [
        (
            symbol,
            draw(st.integers(0, 10_000)),
            draw(st.integers(bars - 15, bars)) if gaps else bars,
            draw(st.integers(0, 12)) if gaps else 0,
            gaps,
        )
        for symbol in ("A", "B", "C")[: draw(st.integers(1, 3))]
    ]
    doings = st.tuples(st.integers(1, bars), PLAIN | ODD if draw(st.integers(0, 3)) == 0 else PLAIN)
    by_call: dict[int, list[tuple[Any, ...]]] = {}
    for call, action in draw(st.lists(doings, min_size=2, max_size=actions)):
        by_call.setdefault(call, []).append(action)
    timer = draw(st.integers(0, 9)) == 0
    if timer:
        by_call[-1] = [draw(PLAIN)]
    return Case(
        feeds=feeds,
        actions=by_call,
        indicators=draw(st.lists(INDICATOR, max_size=3)),
        cash=draw(st.sampled_from([1_000.0, 10_000.0, 100_000.0])),
        commission=draw(
            st.sampled_from([
                {},
                {"percent": 0.001},
                {"per_share": 0.01, "minimum": 1.0},
                {"percent": 0.002, "minimum": 3.0},
            ])
        ),
        slippage=draw(st.sampled_from([None, None, ("perc", 0.002), ("fixed", 0.05)])),
        warm_up=draw(st.sampled_from([0, 0, 0, 5, 20])),
        reads_value=draw(st.booleans()),
        hears_cash=draw(st.integers(0, 9)) == 0,
        broker_settings=draw(
            st.sampled_from([(), (), (), (), (), (), ("coc",), ("no check",), ("short cash",), ("filler",)])
        ),
        timer=timer,
    )  # fmt: skip


@given(cases())
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_random_strategies(case: Case) -> None:
    alike(case)


@pytest.mark.long
@given(cases(bars=160, actions=60))
@settings(max_examples=4_000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_random_strategies_at_length(case: Case) -> None:
    alike(case)


@given(cases(bars=40, actions=3), st.lists(INDICATOR, min_size=2, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_results_from_the_cache_are_those_that_are_computed(
    case: Case, indicators: list[tuple[Any, ...]]
) -> None:
    case = Case(**{**vars(case), "indicators": indicators})
    cache = ResultCache(1 << 20)
    alike(case, [cache, cache, cache, cache])
