"""Signals of the library's daily strategies on one symbol, worked by hand.

`signals_on` runs a strategy on closes alone: (bar on which it decided, side).
"""

from __future__ import annotations

from typing import Any

from runners.probes.by_hand import signals_on
from strategies.registry import resolve


def signals(strategy: str, closes: list[float], **parameters: Any) -> list[tuple[int, str]]:
    return signals_on(resolve(strategy), closes, position_share=0.5, **parameters)


def test_macd_buys_the_cross_of_the_signal_and_sells_the_cross_back() -> None:
    # Averages of 1 and 2 bars: MACD = close - EMA2, with EMA2 = 2/3 close + 1/3 before, begun at their mean.
    # Closes 10 10 10 8 12 12 8: EMA2 from bar 1: 10 10 8.667 10.889 11.630 9.210;
    # MACD: 0 0 -.667 1.111 .370 -1.210. Signal over 2 (2/3, 1/3), begun at bar 2 with the mean 0:
    # 0, -.444, .593, .444, -.659. MACD - signal: 0, -.222, .519, -.074, -.551: up at bar 4, down at bar 5.
    closes = [10.0, 10, 10, 8, 12, 12, 8]
    assert signals("macd_trend", closes, fast=1, slow=2, signal=2) == [(4, "buy"), (5, "sell")]


def test_macd_buys_only_above_its_trend() -> None:
    # The same cross at bar 4, whose close of 12 is above the mean of 5 closes (10); with 12 bars of 20 before
    # it is below that of 12.
    closes, high = [10.0, 10, 10, 8, 12, 12, 8], [20.0] * 12
    averages = {"fast": 1, "slow": 2, "signal": 2}
    assert signals("macd_trend", closes, **averages, trend_period=5) == [(4, "buy"), (5, "sell")]
    assert signals("macd_trend", high + closes, **averages, trend_period=12) == []


def test_donchian_buys_above_the_highs_before_and_sells_below_the_lows() -> None:
    # Highs of the three bars before bars 3 to 7: 12 12 12 13 13. The close of bar 5 is 13 > 12: buy. Lows of
    # the two bars before: bar 6: 11, close 12 holds; bar 7: 12, close 11 sells.
    closes = [10.0, 12, 11, 12, 11, 13, 12, 11, 11]
    assert signals("donchian_breakout", closes, entry_period=3, exit_period=2) == [(5, "buy"), (7, "sell")]


def test_rsi_pullback_buys_a_fall_in_a_rise_and_sells_above_the_short_average() -> None:
    # Changes +1 +1 +1 +1 -1 +2, Wilder over 2: gains 1 1 1 .5 1.25, losses 0 0 0 .5 .25 at bars 2 to 6; index
    # 100 until bar 4, at bar 5 50, below 60. Mean of five closes there 12.2 < 13: buy. Mean of two at bar 6
    # is 14 < 15: sell.
    closes = [10.0, 11, 12, 13, 14, 13, 15, 15]
    parameters = {"rsi_period": 2, "entry_threshold": 60, "trend_period": 5, "exit_period": 2}
    assert signals("rsi_pullback", closes, **parameters) == [(5, "buy"), (6, "sell")]
    # A trend of six bars: 73 / 6 = 12.17 < 13 still holds, one of closes that fell before does not.
    falling = [30.0, 28, 26, 24, *closes]
    assert signals("rsi_pullback", falling, **(parameters | {"trend_period": 10})) == []


def test_turn_of_month_is_in_from_the_last_weekday_on() -> None:
    # Bars are calendar days from Wednesday 2020-01-01. Weekdays left of January after the 29th (bar 28): 30,
    # 31; after the 30th: 1. With one day before, the order goes out on bar 29 and is filled on Friday the
    # 31st. The second bar of February is bar 32 (the 2nd): out.
    closes = [10.0] * 40
    assert signals("turn_of_month", closes, days_before=1, days_after=2) == [(29, "buy"), (32, "sell")]
    assert signals("turn_of_month", closes, days_before=2, days_after=3) == [(28, "buy"), (33, "sell")]


def test_risk_managed_crossover_trails_its_stop() -> None:
    # Averages of 1 and 3: up at bar 3; at bar 6 both are 16, so that nothing has crossed down. The range of
    # a bar is the step from the close before: 2, 4, 4, 2 at bars 3 to 6. The stop, .4 ranges below the close,
    # is 9.2, 12.4 and 16.4, and never falls: the close of 16 at bar 6 is below it.
    closes = [10.0, 9, 8, 10, 14, 18, 16]
    assert signals("sma_crossover", closes, fast=1, slow=3) == [(3, "buy")]
    parameters = {"fast": 1, "slow": 3, "range_period": 1, "stop_ranges": 0.4}
    assert signals("sma_crossover_risk_managed", closes, **parameters) == [(3, "buy"), (6, "sell")]
