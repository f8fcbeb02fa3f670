"""Sums over windows are what math.fsum makes of them, to the bit."""

from __future__ import annotations

import math
import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.engines.backtrader.fast_results import ResultCache
from runners.engines.backtrader.fast_windows import LARGEST, SMALLEST, running_sums
from tests.unit.scripted_strategy import Case, alike

PRICES = st.floats(0.0001, 1e6)
SIZES = st.one_of(PRICES, st.floats(SMALLEST, LARGEST), st.just(0.0))
ANY = st.one_of(SIZES, SIZES.map(float.__neg__))
NEVER = [math.nan, math.inf, -math.inf, 5e-324, 1e-200, 1e200, -1e300]


def bits(values: list[float]) -> list[bytes]:
    """So that 0.0 and -0.0 are two values."""
    return [struct.pack("d", value) for value in values]


@given(st.lists(ANY, min_size=1, max_size=40), st.integers(1, 12), st.data())
def test_windows_are_summed_as_fsum_does(values: list[float], period: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(period - 1, max(period - 1, len(values) - 1)))
    sums = running_sums(array("d", values))
    assert sums is not None
    found = list(sums.windows(period, first, len(values)))
    ends = range(first, len(values))
    assert bits(found) == bits([math.fsum(values[end + 1 - period : end + 1]) for end in ends])


@given(st.lists(PRICES, max_size=10), st.sampled_from(NEVER), st.lists(PRICES, max_size=10))
def test_what_cannot_be_added_exactly_is_left_to_fsum(
    before: list[float], value: float, after: list[float]
) -> None:
    assert running_sums(array("d", [*before, value, *after])) is None


def test_prices_are_summed_up_once() -> None:
    cache = ResultCache(0)
    prices = array("d", [1.0, 2.0])
    assert cache.running_sums(7, prices) is cache.running_sums(7, prices)


@pytest.mark.parametrize("kind", ["sma", "bands", "two feeds", "sum", "sum of late", "endless"])
@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_indicators_are_stock_backtraders(kind: str, gaps: float) -> None:
    feeds = [("A", 1, 60, 0, gaps), ("B", 2, 55, 5, gaps)]
    alike(Case(feeds=feeds, actions={}, indicators=[(kind, 0, 2), (kind, 1, 9)]))
