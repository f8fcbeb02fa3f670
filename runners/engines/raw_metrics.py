"""Raw metrics of a backtest: counts, money and sums from which SQL defines every ratio.

All sums are `math.fsum`: correctly rounded, so they are the same on every machine whatever its vector units.
"""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise, takewhile
from operator import mul, sub

from runners.engines.base import Benchmark, ClosedTrade, MetricValue, OpenPosition, RunSettings

TAIL_DIVISOR = 20
"""The tail is the worst twentieth (5 %) of the daily returns."""


class ImpossibleResultError(ArithmeticError):
    """A backtest produced a number that no account can have."""


@dataclass(frozen=True)
class Account:
    """What an engine counted while it ran.

    One value a session, ascending, in `sessions`, `equity` and `exposed`.
    """

    sessions: Sequence[dt.date]
    equity: Sequence[float]
    """Value at the session's close, in account currency."""
    exposed: Sequence[bool]
    """True where the session ended with a position."""
    held: float | None
    """Sum over sessions of the share of their bars that ended with a position; None without bars."""
    total_orders: int
    """Orders that had a fill."""
    total_fees: float
    """Money, fees of positions that are still open included."""
    traded_value: float
    """Sum of |size * price| over all fills."""
    trades: Sequence[ClosedTrade]
    refused_for_cash: int | None = None
    """Orders that the broker refused for lack of cash or margin; None where nobody counted."""
    refused_otherwise: int | None = None
    open_positions: Sequence[OpenPosition] | None = None
    """What was open at the last bar; None where nobody looked."""


def raw_metrics(account: Account, settings: RunSettings) -> dict[str, MetricValue]:
    """Every raw metric of a point but `bars` and `duration`; an undefined one is absent.

    Raises ImpossibleResultError where the account's value is not a number.
    """
    if not all(map(math.isfinite, account.equity)):
        session, value = next(
            pair for pair in zip(account.sessions, account.equity, strict=True) if not math.isfinite(pair[1])
        )
        raise ImpossibleResultError(f"the account's value is {value} on {session}")
    metrics: dict[str, MetricValue] = {
        "starting_cash": settings.cash,
        "ending_value": account.equity[-1] if account.equity else settings.cash,
        "sessions": len(account.sessions),
        "exposed_sessions": sum(account.exposed),
        "total_orders": account.total_orders,
        "total_fees": account.total_fees,
        "traded_value": account.traded_value,
        "engine_metrics": {},
    }
    if account.held is not None:
        metrics["exposed_time"] = account.held
    if account.refused_for_cash is not None:
        metrics["refused_for_cash"] = account.refused_for_cash
    if account.refused_otherwise is not None:
        metrics["refused_otherwise"] = account.refused_otherwise
    if account.open_positions is not None:
        metrics["open_positions"] = [position.as_json() for position in account.open_positions]
    metrics.update(loss(account.sessions, account.equity))
    returns = daily_returns(settings.cash, account.equity)
    metrics.update(return_moments(returns))
    metrics.update(drawdown(settings.cash, account.equity))
    metrics.update(trade_sums(account.trades))
    metrics.update(block_sums(returns, account.sessions, settings))
    metrics.update(against_benchmark(returns, account.sessions, settings.benchmark))
    return metrics


def loss(sessions: Sequence[dt.date], equity: Sequence[float]) -> dict[str, MetricValue]:
    """The first session that closed with the account at or below zero; nothing where there is none."""
    lost = (session for session, value in zip(sessions, equity, strict=True) if value <= 0.0)
    first = next(lost, None)
    return {} if first is None else {"lost_on": first.isoformat()}


def daily_returns(starting_cash: float, equity: Sequence[float]) -> list[float]:
    """Return of each session as a fraction, close to close; the first is measured from the starting cash.

    After a close at or below zero no return is defined: the list ends with the return that led there.
    """
    befores: Iterable[float] = chain((starting_cash,), equity)
    if starting_cash <= 0.0 or min(equity, default=1.0) <= 0.0:
        befores = takewhile(lambda before: before > 0.0, befores)
    return [value / before - 1.0 for value, before in zip(equity, befores, strict=False)]


def return_moments(returns: Sequence[float]) -> dict[str, MetricValue]:
    """Count, mean, sums of powers about the mean (not divided by the count), downside and tail of returns."""
    count = len(returns)
    if not count:
        return {"return_count": 0}
    mean = math.fsum(returns) / count
    deviations = [value - mean for value in returns]
    squares = [value * value for value in deviations]
    tail = sorted(returns)[: max(1, count // TAIL_DIVISOR)]
    return {
        "return_count": count,
        "return_mean": mean,
        "return_m2": math.fsum(squares),
        "return_m3": math.fsum(map(mul, squares, deviations)),
        "return_m4": math.fsum(map(mul, squares, squares)),
        "downside_m2": math.fsum([value * value for value in returns if value < 0.0]),
        "tail_count": len(tail),
        "tail_sum": math.fsum(tail),
        "tail_return": tail[-1],
    }


def against_benchmark(
    returns: Sequence[float], sessions: Sequence[dt.date], benchmark: Benchmark | None
) -> dict[str, MetricValue]:
    """The benchmark's own sums, and the sum of products of deviations of both series; nothing where the
    sessions are not the same. SQL makes beta, alpha and the information ratio of them."""
    if benchmark is None or len(returns) != len(sessions) or not benchmark.covers(sessions):
        return {}
    # The deviations of one series add up to nothing, so the other's mean need not be taken off.
    return {**benchmark.sums, "benchmark_comoment": math.fsum(map(mul, returns, benchmark.deviations))}


def drawdown(starting_cash: float, equity: Sequence[float]) -> dict[str, MetricValue]:
    """Greatest fall from a running peak (a positive fraction of it) and most sessions in a row below a peak.

    The starting cash is the first peak.
    """
    peaks = list(accumulate(equity, max, initial=starting_cash))
    deepest = max([(peak - value) / peak for peak, value in zip(peaks[1:], equity, strict=True)], default=0.0)
    at_peak = [
        place for place, (before, value) in enumerate(zip(peaks, equity, strict=False)) if value >= before
    ]
    longest = max(map(sub, chain(at_peak, (len(equity),)), chain((-1,), at_peak))) - 1
    return {"max_drawdown": deepest, "max_drawdown_sessions": longest}


def trade_sums(trades: Sequence[ClosedTrade]) -> dict[str, MetricValue]:
    """Counts and money of closed trades, all net of fees; a trade that ended at exactly zero is neither won
    nor lost."""
    profits = [trade.profit for trade in trades]
    won = [profit for profit in profits if profit > 0.0]
    lost = [profit for profit in profits if profit < 0.0]
    total = math.fsum(profits)
    mean = total / len(profits) if profits else 0.0
    return {
        "total_trades": len(profits),
        "winning_trades": len(won),
        "losing_trades": len(lost),
        "gross_profit": math.fsum(won),
        "gross_loss": -math.fsum(lost) if lost else 0.0,
        "trade_profit_sum": total,
        "trade_profit_m2": math.fsum((profit - mean) * (profit - mean) for profit in profits),
    }


def block_sums(
    returns: Sequence[float], sessions: Sequence[dt.date], settings: RunSettings
) -> dict[str, MetricValue]:
    """Count, sum and sum of squares of the daily returns in each block of the run's window.

    The window's calendar days are cut into `block_count` equal parts, so that blocks of two points of one run
    cover the same days whatever either traded.
    """
    count = settings.block_count
    if count < 1:
        return {}
    days = (settings.end_date - settings.start_date).days + 1

    def block_of(session: dt.date) -> int:
        return (session - settings.start_date).days * count // days

    for session in (*sessions[:1], *sessions[-1:]):
        if not 0 <= block_of(session) < count:
            raise ImpossibleResultError(
                f"session {session} lies outside the run's window "
                f"{settings.start_date} to {settings.end_date}"
            )
    ends = [bisect_left(sessions, block, key=block_of) for block in range(count + 1)]
    blocks = [returns[first:end] for first, end in pairwise(ends)]
    return {
        "block_counts": [len(block) for block in blocks],
        "block_sums": [math.fsum(block) for block in blocks],
        "block_squares": [math.fsum(map(mul, block, block)) for block in blocks],
    }
