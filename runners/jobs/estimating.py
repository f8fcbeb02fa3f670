"""What jobs would be, before they are queued: points, time, trades and fees, as the database has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from runners.configs.errors import ConfigError
from runners.configs.reader import Config
from runners.configs.refusals import explained
from runners.jobs.queueing import Refused
from runners.words import count, duration_text, per_cent

ESTIMATE = "select * from desk.estimate(%s)"


@dataclass(frozen=True)
class Estimate:
    """A row of estimate(); fees are fractions of the capital, None where nothing is known."""

    combinations: int
    at_most: int
    seconds: float | None
    processes: int
    wall_time: dt.timedelta | None
    based_on: int
    trades_median: float | None
    trades_worst: float | None
    fee_pct_median: float | None
    fee_pct_worst: float | None
    max_fee_pct: float
    verdict: str
    message: str


def estimates(connection: psycopg.Connection[Any], configs: Sequence[Config]) -> list[Estimate]:
    """One estimate a config, as the director; raises Refused with every refusal."""
    found: list[Estimate] = []
    errors: list[ConfigError] = []
    for config in configs:
        try:
            with connection.transaction(), connection.cursor(row_factory=class_row(Estimate)) as cursor:
                found += cursor.execute(ESTIMATE, (Jsonb(config.data),)).fetchall()
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            errors.append(explained(error, config))
    if errors:
        raise Refused(errors)
    return found


def estimate_text(name: str, estimate: Estimate) -> str:
    """An estimate for people, a line a subject."""
    lines = [
        ("points", _points(estimate)),
        ("time", _time(estimate)),
        ("trades", _pair(estimate.trades_median, estimate.trades_worst, count)),
        ("fees", _fees(estimate)),
        ("known", f"from {estimate.based_on:,} earlier results" if estimate.based_on else "nothing yet"),
        (estimate.verdict, estimate.message),
    ]
    width = max(len(label) for label, _ in lines)
    return "\n".join([name, *(f"  {label.ljust(width)}  {text}" for label, text in lines)])


def _points(estimate: Estimate) -> str:
    if estimate.at_most == estimate.combinations:
        return f"{estimate.combinations:,}"
    return f"{estimate.combinations:,}, at most {estimate.at_most:,} with refinements and tests"


def _time(estimate: Estimate) -> str:
    if estimate.seconds is None:
        return "not known"
    alone = duration_text(dt.timedelta(seconds=max(1, round(estimate.seconds))))
    if estimate.wall_time is None:
        return f"{alone} of one process; no runner is alive"
    plural = "es" if estimate.processes != 1 else ""
    return f"{duration_text(estimate.wall_time)} on {estimate.processes} live process{plural}"


def _fees(estimate: Estimate) -> str:
    expected = _pair(estimate.fee_pct_median, estimate.fee_pct_worst, per_cent)
    if estimate.fee_pct_median is None:
        return expected
    return f"{expected} of the capital; allowed {per_cent(estimate.max_fee_pct)}"


def _pair(median: float | None, worst: float | None, words: Callable[[float], str]) -> str:
    if median is None or worst is None:
        return "not known"
    return f"{words(median)} (worst {words(worst)})"
