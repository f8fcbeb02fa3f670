"""Signals of the library's strategies that hold several symbols, worked by hand."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest

from runners.engines.base import AdjustedPrices
from runners.probes.signals import Trace, traced
from strategies.aligned_closes import AlignedCloses
from strategies.registry import resolve
from strategies.turn_of_month import weekdays_left
from tests.unit.price_samples import by_hand, epoch

FIRST = dt.date(2020, 1, 1)


def played(strategy: str, *series: AdjustedPrices, **parameters: Any) -> Trace:
    trace = traced(resolve(strategy), series, parameters)
    assert trace.error is None, trace.error
    return trace


def orders(trace: Trace) -> list[tuple[int, str, float]]:
    """Bar, symbol, signed size."""
    return [((signal.time - epoch(FIRST)) // 86_400, signal.symbol, signal.size) for signal in trace.signals]


def closes(symbol: str, *parts: tuple[float, int]) -> AdjustedPrices:
    """So many days at each close, from 2020-01-01 on; February begins with bar 31, March with bar 60."""
    return by_hand([close for close, days in parts for _ in range(days)], symbol=symbol)


def test_dual_momentum_holds_the_strongest_and_none_that_fell() -> None:
    # On 1 February A is up 50 % over 20 bars, B 10 %; on 1 March A is down a third and B up by 1/11; on
    # 1 April both are where they were 20 bars before: not above 0.
    a = closes("A", (10, 20), (15, 30), (10, 60))
    b = closes("B", (10, 20), (11, 30), (12, 60))
    trace = played("dual_momentum", a, b, lookback=20, holdings=1, position_share=0.9)
    # 90 % of 100,000 at 15 is 6,000 shares, for a fee of 90. At 10 they leave 69,910: 90 % at 12 is 5,243.
    assert orders(trace) == [(31, "A", 6_000.0), (60, "A", -6_000.0), (60, "B", 5_243.0), (91, "B", -5_243.0)]


def test_pairs_open_far_from_the_mean_and_close_near_it() -> None:
    # The ratio A/B is 1, then 1.1: of ten log ratios nine are 0 and one .0953, z = 3. Back at 1 the newest is
    # below the mean: z = -1/3.
    a = by_hand([10.0] * 10 + [11.0, 10.0, 10.0, 10.0], symbol="A")
    b = by_hand([10.0] * 14, symbol="B")
    bounds = {"entry_z": 2.0, "exit_z": 0.5, "stop_z": 4.0}
    trace = played("pairs_reversion", a, b, lookback=10, position_share=0.5, **bounds)
    # 25,000 each: 2,272 of A sold at 11, 2,500 of B bought at 10.
    assert orders(trace) == [(10, "A", -2_272.0), (10, "B", 2_500.0), (11, "A", 2_272.0), (11, "B", -2_500.0)]


def test_a_pair_that_runs_away_is_given_up_until_it_is_back() -> None:
    # z of the newest of ten is 3 at the jump; one that jumps at 3 with a stop of 2.5 is never opened.
    a = by_hand([10.0] * 10 + [11.0, 11.0, 10.0, 10.0], symbol="A")
    b = by_hand([10.0] * 14, symbol="B")
    trace = played("pairs_reversion", a, b, lookback=10, entry_z=2.5, exit_z=0.5, stop_z=2.9)
    assert orders(trace) == []


def test_pairs_are_two() -> None:
    trace = traced(resolve("pairs_reversion"), [by_hand([1.0, 1.0, 1.0])], {})
    assert trace.error is not None
    assert "trades two symbols, and was given 1" in trace.error


def test_volatility_target_holds_the_target_over_the_measured_volatility() -> None:
    # Closes that alternate between x and x e^r have log returns r, -r, r, -r, whose sample deviation over
    # four is r sqrt(4/3). With r = .01 a year is .01 sqrt(336) = .1833: a target of .1 holds 54.6 %.
    up = 100 * math.exp(0.01)
    series = by_hand([100.0, up] * 6, symbol="A")
    trace = played("volatility_target", series, target=0.1, lookback=4, tolerance=0.5, position_share=1.0)
    share = 0.1 / (0.01 * math.sqrt(4 / 3 * 252))
    assert orders(trace) == [(4, "A", float(int(100_000 * share / 100)))]


def test_uncorrelated_portfolio_leaves_out_what_follows() -> None:
    # B moves as A does, C the other way round; A is the calmest. C is in (correlation -1), B is out (1).
    days = 31 + 5
    a = by_hand([100 * math.exp(0.01 * (day % 2)) for day in range(days)], symbol="A")
    b = by_hand([100 * math.exp(0.02 * (day % 2)) for day in range(days)], symbol="B")
    c = by_hand([100 * math.exp(-0.03 * (day % 2)) for day in range(days)], symbol="C")
    limits = {"lookback": 20, "largest_correlation": 0.5, "position_share": 0.8}
    trace = played("uncorrelated_portfolio", a, b, c, **limits)
    # Weights by inverse volatility, 1/1 to 1/3: A 60 %, C 20 % of 100,000, on 1 February (bar 31, odd).
    at = {"A": 100 * math.exp(0.01), "C": 100 * math.exp(-0.03)}
    assert sorted(orders(trace)) == [
        (31, "A", float(int(60_000 / at["A"] + 1e-9))), (31, "C", float(int(20_000 / at["C"] + 1e-9))),
    ]  # fmt: skip


def test_tactical_allocation_leaves_a_slot_empty_below_the_average() -> None:
    # On 1 February A is above its average of 10 bars, B below; on 1 March it is the other way round.
    a = closes("A", (10, 25), (12, 30), (9, 20))
    b = closes("B", (10, 25), (8, 30), (11, 20))
    trace = played("tactical_allocation", a, b, period=10, tolerance=0.0, position_share=0.96)
    first, *rest = orders(trace)
    assert first == (31, "A", 4_000.0)
    assert [(bar, symbol, size > 0) for bar, symbol, size in rest] == [(60, "A", False), (60, "B", True)]


class Feed:
    """What AlignedCloses reads of a feed."""

    def __init__(self) -> None:
        self.datetime, self.close, self.bars = [0.0], [0.0], 0

    def show(self, time: float, close: float) -> None:
        self.datetime[0], self.close[0], self.bars = time, close, self.bars + 1

    def __len__(self) -> int:
        return self.bars


def test_closes_of_different_days_are_never_put_side_by_side() -> None:
    one, other = Feed(), Feed()
    closes = AlignedCloses([one, other], 3)
    seen = []
    for time, first, second in ((1, 10.0, 20.0), (2, 11.0, None), (3, 12.0, 22.0), (4, 13.0, 23.0)):
        one.show(time, first)
        if second is not None:
            other.show(time, second)
        seen.append(closes.observe())
    assert seen == [True, False, True, True]
    assert (closes.closes(one), closes.closes(other)) == ([10.0, 12.0, 13.0], [20.0, 22.0, 23.0])
    assert closes.is_full
    assert not closes.observe(), "a bar counts once"


@pytest.mark.parametrize(
    ("day", "left"),
    [("2020-01-29", 2), ("2020-01-30", 1), ("2020-01-31", 0), ("2020-02-01", 20), ("2019-12-31", 0)],
)
def test_weekdays_left_of_a_month(day: str, left: int) -> None:
    assert weekdays_left(dt.date.fromisoformat(day)) == left
