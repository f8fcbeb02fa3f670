"""However a day went, every total over it is the same: what was tried, what passed, what was best."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from testing.desks import Desk
from tests import families

Owner = psycopg.Connection[Any]


@dataclass
class Day:
    """What was done, counted by hand while it is done."""

    owner: Owner
    dice: random.Random
    known: set[str] = field(default_factory=set)
    """Equal results that were counted already."""
    tried: int = 0
    failed: int = 0
    passed: int = 0
    sharpes: list[float] = field(default_factory=list)
    passed_sharpes: list[float] = field(default_factory=list)
    searches: list[int] = field(default_factory=list)
    folds: dict[int, int] = field(default_factory=dict)
    """Points of a fold's own run."""

    def run(self, strategy_id: int, kind: str, points: list[str], parent: int | None = None) -> int:
        """A run whose points are named by what they are equal to."""
        days = families.sessions(300)
        run_id = families.open_run(self.owner, strategy_id, days[0], days[-1])
        role = "search" if kind in ("search", "stitched") else kind
        self.owner.execute(
            "update desk.optimization_runs set role = %s, parent_run_id = %s, optimization_type = %s"
            " where id = %s",
            (role, parent, "Walk-Forward" if kind == "stitched" else "Grid Search", run_id),
        )
        for number, point in enumerate(points):
            sharpe, passes = round(self.dice.gauss(0.5, 1), 3), self.dice.random() < 0.4
            fails = kind == "search" and self.dice.random() < 0.1
            self.owner.execute(
                "insert into desk.backtest_results (optimization_run_id, strategy_id, parameters,"
                " sharpe_ratio, annual_return, total_trades, fee_pct, sessions, provenance_hash, outcome,"
                " error, error_kind)"
                " values (%s, %s, %s, %s, 0.1, %s, 0.1, 600, %s, %s, %s, %s)",
                (
                    run_id, strategy_id, Jsonb({"n": number, "run": run_id}), sharpe, 150 if passes else 50,
                    None if kind == "stitched" else f"{point:0>64}", "failed" if fails else "finished",
                    "it broke" if fails else None, "strategy" if fails else None,
                ),
            )  # fmt: skip
            self._count(kind, point, sharpe, passes, fails)
        if kind in ("search", "stitched"):
            self.searches.append(run_id)
        elif kind != "pilot":
            self.folds[run_id] = len(points)
        return run_id

    def _count(self, kind: str, point: str, sharpe: float, passes: bool, fails: bool) -> None:
        if kind == "pilot":
            return
        if kind != "stitched":
            if fails:
                self.failed += 1
                return
            if point in self.known:
                return
            self.known.add(point)
            self.tried += 1
        if kind in ("search", "stitched"):
            self.sharpes.append(sharpe)
            self.passed += passes
            self.passed_sharpes += [sharpe] if passes else []

    def close(self, run_id: int) -> None:
        self.owner.execute("select desk.close_run(%s, 'completed')", (run_id,))


def live_through(day: Day, name: str) -> None:
    """Pilots, searches with copies and runs again, walk-forwards with folds, for two strategies."""
    for strategy in (f"{name}_a", f"{name}_b"):
        strategy_id = families.strategy(day.owner, strategy)
        fresh = [f"{strategy_id}{number:03}" for number in range(40)]
        pilot = day.run(strategy_id, "pilot", fresh[:3])
        day.close(pilot)
        first = day.run(strategy_id, "search", fresh[: day.dice.randint(4, 9)])
        # Part of it again, before the first is closed.
        second = day.run(strategy_id, "search", fresh[2 : day.dice.randint(5, 14)])
        day.close(second)
        day.close(first)
        whole = day.run(strategy_id, "stitched", ["stitched"])
        for start in (20, 26):
            inside = day.run(strategy_id, "in_sample", fresh[start : start + day.dice.randint(2, 8)], whole)
            test = day.run(strategy_id, "out_of_sample", [fresh[day.dice.choice((5, 38, 39))]], whole)
            day.close(inside)
            day.close(test)
        day.close(whole)


@pytest.mark.parametrize("seed", range(3))
def test_every_total_of_a_day_is_the_same(built_desk: Desk, seed: int) -> None:
    with built_desk.connect("admin") as owner, owner.transaction(force_rollback=True):
        # Of these criteria alone, so that what passes is what the day threw.
        owner.execute(
            "update desk.settings set value = '{\"min_trades\": 100}' where name = 'default_criteria'"
        )
        day = Day(owner, random.Random(seed))
        live_through(day, f"day{seed}")
        best, best_passed = max(day.sharpes), max(day.passed_sharpes, default=None)
        wanted = (day.tried, day.failed, day.passed, best, best_passed)

        def one(statement: str) -> tuple[Any, ...]:
            return owner.execute(statement.encode()).fetchone() or ()

        assert wanted == one(
            "select count(*) filter (where tried and outcome = 'finished'),"
            " count(*) filter (where tried and outcome = 'failed'),"
            " count(*) filter (where judged and passed),"
            " max(sharpe_ratio) filter (where judged), max(sharpe_ratio) filter (where judged and passed)"
            " from desk.trials"
        )
        assert wanted == one(
            "select sum(backtests_finished)::int, sum(backtests_failed)::int, sum(backtests_passed)::int,"
            " max(best_sharpe), max(best_passed_sharpe) from marts.daily_summary"
        )
        assert (day.tried, day.passed) == one(
            "select max(results) filter (where step = 1), sum(results) filter (where step in (2, 4))"
            " from desk.funnel"
        )
        assert (day.tried, day.failed) == one(
            "select sum(variations) filter (where verdict <> 'failed')::int,"
            " coalesce(sum(variations) filter (where verdict = 'failed'), 0)::int from desk.tried_this_week"
        )
        # What luck is deducted for: every distinct trial, and each stitched test.
        assert (day.tried + 2,) == one("select sum(trials)::int from desk.run_statistics")
        summaries = dict(
            owner.execute("select id, summary from desk.optimization_runs where role <> 'pilot'").fetchall()
        )
        counted = {run: words(summary) for run, summary in summaries.items()}
        assert (
            sum(counted[run]["runs complete"] - counted[run]["known before"] for run in day.searches)
            == day.tried
        )
        assert {run: counted[run]["runs complete"] for run in day.folds} == day.folds
        text = one("select summary from marts.daily_summary")[0]
        assert text.startswith(f"{day.tried} runs complete, {day.passed} passed, best Sharpe: ")


def words(summary: str) -> dict[str, int]:
    found = {what: int(number) for number, what in re.findall(r"(\d+) (runs complete|known before)", summary)}
    return {"known before": 0} | found
