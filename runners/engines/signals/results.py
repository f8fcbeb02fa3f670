"""A point that the kernel ran, as a result with curve and trades, as the Backtrader engine hands it back."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from runners.engines.backtrader.recorder import FilledPosition
from runners.engines.base import ClosedTrade, MetricValue, OpenPosition, RunSettings
from runners.engines.raw_metrics import Account, raw_metrics
from runners.engines.signals import broker
from runners.engines.signals.block import Block, Course
from runners.engines.signals.columns import COUNTS, NAMES
from runners.engines.signals.market import Market

UTC = dt.UTC


def figures_of(block: Block, point: int) -> dict[str, float | int]:
    """Figures by name, counts as integers, without those that are undefined."""
    return {
        name: int(value) if name in COUNTS else float(value)
        for name, value in zip(NAMES, block.figures[point].tolist(), strict=True)
        if not math.isnan(value)
    }


def account(market: Market, course: Course) -> tuple[Account, dict[str, list[float]]]:
    """The account of a point, and by symbol the sizes that were opened before a later split."""
    series = market.data_set.prices
    positions: dict[int, FilledPosition] = {}
    trades: list[ClosedTrade] = []
    entered: dict[int, dt.datetime] = {}
    early: dict[str, list[float]] = {}

    def time(feed: int, step: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(series[feed].epochs[int(market.bar[feed, step])], UTC)

    def at(feed: int, step: float) -> dt.datetime:
        return time(feed, int(step))

    held: dict[int, float] = {}
    for fill in course.fills.tolist():
        step, feed, price, closed, opened, close_fee, open_fee = fill
        step, feed = int(step), int(feed)
        position = positions.setdefault(feed, FilledPosition(series[feed].symbol))
        now = float(step)
        before = held.get(feed, 0.0)
        if opened and market.day_factors[feed, step] != 1.0:
            early.setdefault(series[feed].symbol, []).append(abs(opened))
        position.fill(closed, price, close_fee, now)
        if closed and before + closed == 0.0:
            filled = position.finished.popleft()
            number = len(trades)
            trades.append(
                ClosedTrade(
                    series[feed].symbol, entered[feed], time(feed, step), filled.size, filled.entry_price,
                    filled.exit_price, float(course.profits[number]), float(course.trade_fees[number]),
                )
            )  # fmt: skip
        if opened and before + closed == 0.0:
            entered[feed] = time(feed, step)
        position.fill(opened, price, open_fee, now)
        held[feed] = before + (closed + opened)
    last = market.newest.shape[1] - 1
    still: list[OpenPosition] = []
    for feed, position in positions.items():
        close = float(market.prices[3, feed, last])
        one = position.still_open(close, float(last), partial(at, feed))
        if one is not None:
            still.append(one)
    ends = market.ends.tolist()
    fills = course.fills
    found = Account(
        sessions=market.sessions,
        equity=[float(course.equity[end]) for end in ends],
        exposed=[bool(course.exposed[end]) for end in ends],
        held=math.fsum(
            sum(course.exposed[begin : end + 1].tolist()) / (end + 1 - begin)
            for begin, end in zip(market.begins.tolist(), ends, strict=True)
        ),
        total_orders=len(fills),
        total_fees=math.fsum((fills[:, broker.F_CLOSE_FEE] + fills[:, broker.F_OPEN_FEE]).tolist()),
        traded_value=math.fsum(
            abs((fills[:, broker.F_CLOSED] + fills[:, broker.F_OPENED]) * fills[:, broker.F_PRICE]).tolist()
        ),
        trades=trades,
        refused_for_cash=int(course.counts[broker.CASH_REFUSED]),
        refused_otherwise=int(course.counts[broker.OTHERWISE_REFUSED]),
        open_positions=still,
    )
    return found, early


def metrics_of(
    market: Market, settings: RunSettings, found: Account, remarks: Mapping[str, float | str]
) -> dict[str, MetricValue]:
    """By the very function that the Backtrader engine's are made by."""
    metrics: dict[str, Any] = raw_metrics(found, settings)
    metrics["engine_metrics"] = {"loop": "kernel", **remarks}
    metrics["bars"] = sum(len(series) for series in market.data_set.prices)
    return metrics
