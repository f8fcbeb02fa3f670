"""Families of trials for tests of luck: returns without skill, or with, recorded as runs of a strategy."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

Matrix = Any
"""A numpy array of daily returns: a row a point, a column a session."""

START = dt.date(2010, 1, 4)
BLOCKS = 16
COPY = """
copy desk.full_results (
  optimization_run_id, strategy_id, parameters, starting_cash, ending_value, sessions, return_count,
  return_mean, return_m2, return_m3, return_m4, downside_m2, max_drawdown, total_trades, total_fees,
  traded_value,
  block_counts, block_sums, block_squares)
from stdin
"""


@dataclass(frozen=True)
class Family:
    """What the desk says of a closed run."""

    run_id: int
    trials: int
    effective_trials: float
    trial_variance: float | None
    pbo: float | None
    best: int
    """Place of the best point by Sharpe ratio, from 0."""
    deflated_sharpe: float | None
    """Of that point."""


def sessions(count: int, start: dt.date = START) -> list[dt.date]:
    """Working days from a date on."""
    days: list[dt.date] = []
    day = start
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day += dt.timedelta(days=1)
    return days


def blocks(days: list[dt.date], start: dt.date, end: dt.date, count: int = BLOCKS) -> list[int]:
    """Block of the window that each session is in, as runners have it."""
    return [(day - start).days * count // ((end - start).days + 1) for day in days]


def strategy(owner: psycopg.Connection[Any], name: str) -> int:
    row = owner.execute(
        "insert into desk.strategies (name, entry_point) values (%s, %s) returning id", (name, name)
    ).fetchone()
    assert row is not None
    return int(row[0])


def open_run(owner: psycopg.Connection[Any], strategy_id: int, start: dt.date, end: dt.date) -> int:
    row = owner.execute(
        "insert into desk.optimization_runs (strategy_id, config_file, optimization_type, target_metric,"
        " total_combinations, status, symbols, timeframe, start_date, end_date, engine)"
        " values (%s, 'made', 'Grid Search', 'Sharpe Ratio', 1000000, 'running', '{AAPL}', '1d', %s, %s,"
        " 'backtrader') returning id",
        (strategy_id, start, end),
    ).fetchone()
    assert row is not None
    return int(row[0])


def record(
    owner: psycopg.Connection[Any],
    strategy_id: int,
    returns: Matrix,
    *,
    start: dt.date = START,
    parameters: list[dict[str, Any]] | None = None,
    close: bool = True,
) -> int:
    """A run with a result a row of `returns`, closed as a runner's run is; its id."""
    count = returns.shape[1]
    days = sessions(count, start)
    run_id = open_run(owner, strategy_id, start, days[-1])
    place = np.array(blocks(days, start, days[-1]))
    masks = [place == block for block in range(BLOCKS)]
    counts = [int(mask.sum()) for mask in masks]
    with owner.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(
            ["int8", "int8", "jsonb", "float8", "float8", "int8", "int8"]
            + ["float8"] * 6
            + ["int8", "float8", "float8", "int4[]", "float8[]", "float8[]"]
        )
        for number, row in enumerate(returns):
            mean = row.mean()
            deviations = row - mean
            copy.write_row(
                (
                    run_id,
                    strategy_id,
                    Jsonb(parameters[number] if parameters else {"n": number}),
                    100000.0,
                    float(100000 * np.prod(1 + row)),
                    count,
                    count,
                    float(mean),
                    *(float((deviations**power).sum()) for power in (2, 3, 4)),
                    float((row[row < 0] ** 2).sum()),
                    0.1,
                    200,
                    100.0,
                    100000.0,
                    counts,
                    [float(row[mask].sum()) for mask in masks],
                    [float((row[mask] ** 2).sum()) for mask in masks],
                )
            )
    if close:
        owner.execute("select desk.close_run(%s, 'completed')", (run_id,))
    return run_id


def family(owner: psycopg.Connection[Any], run_id: int) -> Family:
    row = owner.execute(
        "select s.optimization_run_id, s.family_trials, s.effective_trials, s.trial_variance, s.pbo,"
        " b.ordinal - 1, b.deflated_sharpe"
        " from desk.run_statistics as s cross join lateral ("
        "   select * from desk.backtest_results as r where r.optimization_run_id = s.optimization_run_id"
        "   order by r.sharpe_ratio desc limit 1) as b"
        " where s.optimization_run_id = %s and s.error is null",
        (run_id,),
    ).fetchone()
    assert row is not None
    return Family(*row)
