"""Deposits and withdrawals: when they are due, and the account's value without them."""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Callable, Iterable, Mapping

from runners.engines.backtrader.timeline import Timeline
from runners.engines.base import CashFlows

PERIODS: dict[str, Callable[[dt.date], tuple[int, int]]] = {
    "week": lambda day: day.isocalendar()[:2],
    "month": lambda day: (day.year, day.month),
    "quarter": lambda day: (day.year, (day.month - 1) // 3),
    "year": lambda day: (day.year, 0),
}


def flow_steps(flows: CashFlows | None, timeline: Timeline, since: dt.date | None) -> frozenset[int]:
    """Steps of the clock that begin a new period after the one in which the run begins."""
    if flows is None or not flows.every:
        return frozenset()
    period_of, last, steps = PERIODS[flows.every], None, []
    for step in range(len(timeline)):
        session = timeline.session(step)
        if since is not None and session < since:
            continue
        period = period_of(session)
        if last is not None and period != last:
            steps.append(step)
        last = period
    return frozenset(steps)


def time_weighted(values: Iterable[float], flows: Mapping[int, float], cash: float) -> array[float]:
    """What `cash` alone became: chained from close to close, without what flowed in between.

    `flows` by the step whose value is the first to have them. An account at or below zero earns nothing more.
    """
    unit = before = cash
    units = array("d")
    for step, value in enumerate(values):
        if before > 0.0 and unit > 0.0:
            unit *= (value - flows.get(step, 0.0)) / before
        before = value
        units.append(unit)
    return units
