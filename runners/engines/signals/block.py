"""Runs points of a `SignalStrategy` in the kernel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runners.engines.base import FailureKind, PointFailure, PointResult, RunSettings
from runners.engines.error_text import error_text
from runners.engines.signals import broker
from runners.engines.signals.columns import NAMES, WIDTH
from runners.engines.signals.declared import Declared, NotCovered
from runners.engines.signals.kernel import run_points
from runners.engines.signals.market import Market
from runners.engines.signals.points import Grid, Once
from strategies.registry import RegisteredStrategy

TROUBLES = {
    broker.NO_ROOM: "more fills than the kernel has room for",
    broker.NO_NUMBER: "a size that is not a number",
    3: "the account's value is not a number",
}
BANK_BYTES = 32 * 1024 * 1024
"""Signals that one call of the kernel is given at most."""
KEPT = 4_096


@dataclass(frozen=True)
class Block:
    """Points in their order. `figures` has the columns of columns.NAMES; `refused` says by the point's place
    why the kernel did not run it, `failed` with what kind of error and what text it ended."""

    figures: Any
    block_counts: Any
    block_sums: Any
    block_squares: Any
    refused: dict[int, str]
    failed: dict[int, tuple[FailureKind, str]]


@dataclass(frozen=True)
class Course:
    """What the last point of a call did, step by step."""

    equity: Any
    exposed: Any
    fills: Any
    profits: Any
    trade_fees: Any
    counts: Any


class Simulator:
    """One run's points; keeps what they share from call to call."""

    def __init__(self, settings: RunSettings, market: Market, entry: RegisteredStrategy) -> None:
        self.settings = settings
        self.market = market
        self._entry = entry
        self._declared: Declared | None = None
        self._last: Any = None
        self._memo: dict[tuple[str, ...], tuple[Once, Once, Once]] = {}
        feeds, steps = market.newest.shape
        fills = 4 * steps + 64 * feeds
        self._room = (
            np.zeros(steps), np.zeros(steps, np.bool_), np.zeros((fills, 7)), np.zeros(fills),
            np.zeros(fills), np.zeros(broker.COUNTS, np.int64),
        )  # fmt: skip

    @property
    def signals_now(self) -> Any:
        """Signals [feeds, steps] of the point that was run last, if it was the only one; None of weights."""
        return self._last

    def course(self) -> Course:
        """Of the point that was run last."""
        equity, exposed, fills, profits, fees, counts = self._room
        trades = counts[broker.TRADES]
        return Course(
            equity, exposed, fills[: counts[broker.FILLS]], profits[:trades], fees[:trades], counts
        )  # fmt: skip

    def run(self, grid: Grid) -> Block:
        count, blocks = len(grid), max(0, len(self.market.blocks) - 1)
        found = Block(
            np.full((count, WIDTH), np.nan), np.zeros((count, blocks), np.int64),
            np.zeros((count, blocks)), np.zeros((count, blocks)), {}, {},
        )  # fmt: skip
        made, of_made = self._evaluated(grid)
        of_rules_once = self._once(grid)[2]
        rules, of_rules = of_rules_once.each(
            grid, self._caught(lambda values: self._at(values).rules(values))
        )
        feeds, steps = self.market.newest.shape
        room = max(1, BANK_BYTES // (feeds * steps * (9 if self._by_weights else 1)))
        first = 0
        while first < count:
            # As many points as their arrays have room together.
            seen: dict[int, int] = {}
            end = first
            while end < count and (of_made[end] in seen or len(seen) < room):
                seen.setdefault(int(of_made[end]), len(seen))
                end += 1
            self._call(found, first, end, made, of_made, seen, rules, of_rules)
            first = end
        return found

    @property
    def _by_weights(self) -> bool:
        return self._declared is not None and self._declared.by_weights

    def _once(self, grid: Grid) -> tuple[Once, Once, Once]:
        if grid.names not in self._memo:
            self._memo[grid.names] = (
                Once(grid.names, 256), Once(grid.names, KEPT), Once(grid.names, 16 * KEPT)
            )  # fmt: skip
        return self._memo[grid.names]

    def _at(self, values: Mapping[str, Any]) -> Declared:
        if self._declared is None:
            self._declared = Declared(self.market, self._entry, values)
        return self._declared

    def _caught(self, evaluate: Any) -> Any:
        """What goes wrong is a result too: it is every point's that reads the same."""

        def run(values: Mapping[str, Any]) -> tuple[Any, set[str]]:
            try:
                found: tuple[Any, set[str]] = evaluate(values)
                return found
            except (MemoryError, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                # Where it is not known what was read, it is its own point's alone.
                return error, getattr(error, "reads", set(values))

        return run

    def _evaluated(self, grid: Grid) -> tuple[list[Any], Any]:
        indicators, arrays, _ = self._once(grid)

        def declaration(values: Mapping[str, Any]) -> tuple[Any, set[str]]:
            one = Grid(grid.names, grid.axes, np.array([_places(grid, values)], np.int64), grid.defaults)
            (made,), _ = indicators.each(one, lambda these: self._at(these).indicators(these))
            found, names = self._at(values).declaration(values, made)
            return found, names | indicators.reads

        return arrays.each(grid, self._caught(declaration))

    def _call(
        self, found: Block, first: int, end: int, made: Sequence[Any], of_made: Any, seen: dict[int, int],
        rules: Sequence[Any], of_rules: Any,
    ) -> None:  # fmt: skip
        points = np.arange(first, end)
        for kind, of in ((made, of_made), (rules, of_rules)):
            for place in np.unique(of[first:end]).tolist():
                if isinstance(kind[place], BaseException):
                    these = points[of[points] == place]
                    if isinstance(kind[place], NotCovered):
                        found.refused.update(dict.fromkeys(these.tolist(), str(kind[place])))
                    else:
                        told: tuple[FailureKind, str] = ("strategy", error_text(kind[place]))
                        found.failed.update(dict.fromkeys(these.tolist(), told))
                    points = points[of[points] != place]
        if not len(points):
            return
        market = self.market
        feeds, steps = market.newest.shape
        declared = self._at({})
        good = [place for place in seen if not isinstance(made[place], BaseException)]
        bank_of = {place: bank for bank, place in enumerate(good)}
        banks = np.array([bank_of[int(place)] for place in of_made[points]], np.int64)
        first_steps = np.array([made[place].first_step for place in good], np.int64)[banks]
        signals, when, shares = (
            np.zeros((1, feeds, steps), np.uint8), np.zeros((1, steps), np.bool_),
            np.zeros((1, feeds, steps)),
        )  # fmt: skip
        if declared.by_weights:
            when = np.array([made[place].when for place in good])
            shares = np.array([made[place].shares for place in good])
        else:
            signals = np.array([made[place].bits for place in good])
        nothing = (np.zeros(broker.RULES), 0)
        settled = [nothing if isinstance(row, BaseException) else row for row in rules]
        table = np.array([row for row, _ in settled])[of_rules[points]]
        if declared.by_weights:
            table[:, broker.R_TOLERANCE] = np.array([made[place].tolerance for place in good])[banks]
        periods = np.array([period for _, period in settled])[of_rules[points]]
        known, deviation_banks = np.unique(periods, return_inverse=True)
        deviations = np.array([
            declared.deviations(int(period)) if period else np.zeros((feeds, steps)) for period in known
        ])  # fmt: skip
        self._last = None if declared.by_weights else signals[banks[-1]]
        count, blocks = len(points), found.block_counts.shape[1]
        out = (
            np.empty((count, WIDTH)), np.zeros((count, blocks), np.int64), np.zeros((count, blocks)),
            np.zeros((count, blocks)), np.zeros(count, np.int64),
        )  # fmt: skip
        run_points(
            market.prices, market.newest, market.fee_factors, market.day_factors, market.account,
            market.begins, market.ends, market.blocks, market.benchmark, signals, when, shares,
            declared.by_weights, deviations, banks, deviation_banks.astype(np.int64), first_steps,
            np.ascontiguousarray(table), *out, *self._room,
        )  # fmt: skip
        found.figures[points], found.block_counts[points] = out[0], out[1]
        found.block_sums[points], found.block_squares[points] = out[2], out[3]
        for place in np.flatnonzero(out[4]).tolist():
            found.refused[int(points[place])] = TROUBLES[int(out[4][place])]


def _places(grid: Grid, values: Mapping[str, Any]) -> list[int]:
    return [axis.index(values[name]) for name, axis in zip(grid.names, grid.axes, strict=True)]


def nothing_of(grid: Grid, settings: RunSettings, why: str) -> Block:
    """A block of which the kernel runs nothing, and why."""
    count, blocks = len(grid), settings.block_count
    return Block(
        np.full((count, WIDTH), np.nan), np.zeros((count, blocks), np.int64), np.zeros((count, blocks)),
        np.zeros((count, blocks)), dict.fromkeys(range(count), why), {},
    )  # fmt: skip


def take(block: Block, place: int, outcome: PointResult | PointFailure, sessions: Sequence[dt.date]) -> None:
    """Put what Backtrader made of a point in its place."""
    if isinstance(outcome, PointFailure):
        block.failed[place] = (outcome.kind, outcome.error)
        return
    found: dict[str, Any] = dict(outcome.metrics)
    found["open_feeds"] = len(found["open_positions"])
    lost = found.get("lost_on")
    found["lost_at"] = -1 if lost is None else sessions.index(dt.date.fromisoformat(lost))
    block.figures[place] = [found.get(name, np.nan) for name in NAMES]
    block.block_counts[place] = found["block_counts"]
    block.block_sums[place] = found["block_sums"]
    block.block_squares[place] = found["block_squares"]
