"""Raw metrics worked by hand on ten sessions."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from runners.engines.base import Benchmark, ClosedTrade
from runners.engines.raw_metrics import (
    Account,
    ImpossibleResultError,
    against_benchmark,
    block_sums,
    daily_returns,
    drawdown,
    raw_metrics,
    return_moments,
    trade_sums,
)
from tests.unit.price_samples import by_hand, settings_for

DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(10)]
SETTINGS = settings_for("sma_crossover", [by_hand([1.0] * 10)], cash=100, block_count=3)
# Returns 0, +50 %, 0, -50 %, 0, +100 %, 0, -25 %, 0, 0: every one exact in binary.
EQUITY = [100.0, 150.0, 150.0, 75.0, 75.0, 150.0, 150.0, 112.5, 112.5, 112.5]
RETURNS = [0.0, 0.5, 0.0, -0.5, 0.0, 1.0, 0.0, -0.25, 0.0, 0.0]


def trade(profit: float) -> ClosedTrade:
    when = dt.datetime(2020, 1, 2, tzinfo=dt.UTC)
    return ClosedTrade("X", when, when, 1.0, 10.0, 10.0 + profit, profit, 0.0)


def account(equity: list[float], **changes: object) -> Account:
    values = {
        "sessions": DAYS[: len(equity)], "equity": equity, "exposed": [False] * len(equity), "held": None,
        "total_orders": 0, "total_fees": 0.0, "traded_value": 0.0, "trades": [],
    }  # fmt: skip
    return Account(**(values | changes))  # type: ignore[arg-type]


def test_returns_are_measured_from_the_starting_cash() -> None:
    assert daily_returns(100.0, EQUITY) == RETURNS
    assert daily_returns(100.0, [110.0, 99.0]) == [110.0 / 100.0 - 1, 99.0 / 110.0 - 1]


def test_no_return_is_defined_after_ruin() -> None:
    assert daily_returns(100.0, [50.0, -50.0, 20.0, 30.0]) == [-0.5, -2.0]


def test_the_first_session_that_closes_at_nothing_is_said() -> None:
    assert raw_metrics(account([50.0, 0.0, -50.0, 20.0]), SETTINGS)["lost_on"] == "2020-01-02"
    assert "lost_on" not in raw_metrics(account([50.0, 0.01]), SETTINGS)


def test_moments_are_sums_about_the_mean() -> None:
    # Mean 0.75 / 10 = 0.075. Deviations: six of -0.075, and 0.425, -0.575, 0.925, -0.325.
    moments = return_moments(RETURNS)
    assert moments["return_count"] == 10
    assert moments["return_mean"] == 0.075
    assert moments["return_m2"] == pytest.approx(6 * 0.005625 + 0.180625 + 0.330625 + 0.855625 + 0.105625)
    assert moments["return_m3"] == pytest.approx(
        -6 * 0.000421875 + 0.076765625 - 0.190109375 + 0.791453125 - 0.034328125
    )
    assert moments["return_m4"] == pytest.approx(
        6 * 0.00003164 + 0.03262539 + 0.10931289 + 0.73209414 + 0.01115664, abs=1e-6
    )
    assert moments["downside_m2"] == 0.25 + 0.0625
    assert (moments["tail_count"], moments["tail_sum"], moments["tail_return"]) == (1, -0.5, -0.5)


@pytest.mark.parametrize(("count", "tail"), [(1, 1), (19, 1), (20, 1), (39, 1), (40, 2), (252, 12)])
def test_the_tail_is_a_twentieth_and_at_least_one(count: int, tail: int) -> None:
    returns = [-i / 1000 for i in range(count)]
    moments = return_moments(returns)
    worst = sorted(returns)[:tail]
    assert (moments["tail_count"], moments["tail_sum"]) == (tail, math.fsum(worst))
    assert moments["tail_return"] == worst[-1]


def test_drawdown_is_a_fraction_of_the_running_peak() -> None:
    # 150 -> 75 is half; below the peak of 150 in sessions 4, 5 and again in 8, 9, 10.
    assert drawdown(100.0, EQUITY) == {"max_drawdown": 0.5, "max_drawdown_sessions": 3}
    assert drawdown(100.0, [100.0, 101.0]) == {"max_drawdown": 0.0, "max_drawdown_sessions": 0}
    assert drawdown(100.0, [80.0, 90.0]) == {"max_drawdown": 0.2, "max_drawdown_sessions": 2}


def test_trades_are_counted_net_of_fees() -> None:
    # Mean 1; squares about it: 9, 9, 4, 1, 25.
    sums = trade_sums([trade(4.0), trade(-2.0), trade(3.0), trade(0.0), trade(0.0 - 4.0 + 4.0)])
    assert sums["total_trades"] == 5
    assert (sums["winning_trades"], sums["losing_trades"]) == (2, 1)
    assert (sums["gross_profit"], sums["gross_loss"], sums["trade_profit_sum"]) == (7.0, 2.0, 5.0)
    assert sums["trade_profit_m2"] == 9.0 + 9.0 + 4.0 + 1.0 + 1.0
    assert trade_sums([])["gross_loss"] == 0.0


def test_blocks_cut_the_calendar_of_the_window() -> None:
    # Ten days in three blocks: day d lies in block floor(3 d / 10), so 4, 3 and 3 days.
    sums = block_sums(RETURNS, DAYS, SETTINGS)
    assert sums == {
        "block_counts": [4, 3, 3],
        "block_sums": [0.0, 1.0, -0.25],
        "block_squares": [0.5, 1.0, 0.0625],
    }


def test_the_benchmark_is_compared_session_by_session() -> None:
    theirs = [0.01, -0.02, 0.015, 0.0, 0.003, -0.001, 0.02, -0.03, 0.01, 0.004]
    sessions = list(account(EQUITY).sessions)
    mean = math.fsum(theirs) / len(theirs)
    sums = {"benchmark_return": 0.1, "benchmark_mean": mean, "benchmark_m2": 0.002}
    document = {
        "sessions": [session.isoformat() for session in sessions],
        "returns": theirs,
        "sums": sums,
    }
    benchmark = Benchmark.from_json(document)
    own = math.fsum(RETURNS) / len(RETURNS)
    found = against_benchmark(RETURNS, sessions, benchmark)
    assert found == {
        **sums,
        "benchmark_comoment": pytest.approx(
            sum((x - own) * (y - mean) for x, y in zip(RETURNS, theirs, strict=True)), rel=1e-12
        ),
    }
    other_day = [*sessions[:-1], sessions[-1] + dt.timedelta(days=1)]
    assert against_benchmark(RETURNS, other_day, benchmark) == {}
    assert against_benchmark(RETURNS, sessions, benchmark) == found
    assert against_benchmark(RETURNS[:-1], sessions, benchmark) == {}, "after ruin no return is defined"
    assert against_benchmark(RETURNS, sessions, None) == {}


def test_all_keys_are_there_and_nothing_else() -> None:
    given = account(EQUITY, exposed=[True] * 4 + [False] * 6, held=4.5, total_orders=2)
    metrics = raw_metrics(given, SETTINGS)
    assert metrics["starting_cash"] == 100
    assert metrics["ending_value"] == 112.5
    assert (metrics["sessions"], metrics["exposed_sessions"], metrics["total_orders"]) == (10, 4, 2)
    assert set(metrics) == {
        "starting_cash", "ending_value", "return_count", "return_mean", "return_m2", "return_m3", "return_m4",
        "downside_m2", "tail_count", "tail_sum", "tail_return", "max_drawdown", "max_drawdown_sessions",
        "total_orders", "total_trades", "winning_trades", "losing_trades", "gross_profit", "gross_loss",
        "trade_profit_sum", "trade_profit_m2", "total_fees", "traded_value", "exposed_sessions",
        "exposed_time", "sessions",
        "block_counts", "block_sums", "block_squares", "engine_metrics",
    }  # fmt: skip


def test_an_account_that_is_no_number_is_refused() -> None:
    with pytest.raises(ImpossibleResultError, match="nan on 2020-01-02"):
        raw_metrics(account([100.0, math.nan]), SETTINGS)
