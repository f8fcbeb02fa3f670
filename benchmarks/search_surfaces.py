"""(s) Searches on surfaces whose best point is known: evaluations, and how far the best found lies from it.

No backtest runs: what a point returns is a formula. All else is the desk's own: jobs, generations,
suggestions by Optuna, results, the best point. Random and TPE get as many evaluations as Euler took.
"""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from benchmarks.desk import Desk, desk
from benchmarks.rounds import markdown
from runners.tasks import suggest

SIDE = 100
COARSE = 20
SEEDS = 5
Surface = Callable[[float, float], float]


def smooth(x: float, y: float) -> float:
    """A hill with one top, at (37.3, 61.8)."""
    return 1 - ((x - 37.3) ** 2 + (y - 61.8) ** 2) / 5000


def ridge(x: float, y: float) -> float:
    """A narrow crest along x = y that rises slowly to (53, 53): what is good together moves together."""
    return 1 - abs(x - y) / 25 - ((x + y - 106) / 150) ** 2


def noisy(x: float, y: float) -> float:
    """The hill under noise of a third of its height around the top, the same at each look."""
    digest = hashlib.sha256(f"{x:.6f}/{y:.6f}".encode()).digest()
    return smooth(x, y) + (int.from_bytes(digest[:6], "big") / 2**48 - 0.5) * 0.3


SURFACES: dict[str, Surface] = {"smooth": smooth, "ridge": ridge, "noisy": noisy}


@dataclass(frozen=True)
class Outcome:
    """What a search found: evaluations, and what its best point lacks of the full grid's best."""

    evaluations: int
    shortfall: float
    distance: float


def strategies() -> list[dict[str, Any]]:
    """As a runner publishes them: one for each surface, so that no result is reused on another."""
    axis = {"type": "number", "default": 50, "minimum": 0, "maximum": SIDE, "description": ""}
    return [
        {
            "name": f"surface_{name}",
            "title": name,
            "hypothesis": "its best point is known",
            "engine": "surface",
            "entry_point": f"surface_{name}",
            "code_hash": hashlib.sha256(name.encode()).hexdigest(),
            "parameters": [axis | {"name": "x"}, axis | {"name": "y"}],
        }
        for name in SURFACES
    ]


def metrics(value: float) -> dict[str, Any]:
    """Raw metrics of an account that returned `value`, a fraction."""
    return {
        "starting_cash": 100_000,
        "ending_value": 100_000 * (1 + value),
        "sessions": 252,
        "return_count": 252,
        "return_mean": 0.0,
        "return_m2": 0.01,
        "return_m3": 0.0,
        "return_m4": 1e-6,
        "downside_m2": 0.005,
        "max_drawdown": 0.1,
        "max_drawdown_sessions": 9,
        "total_orders": 2,
        "total_trades": 1,
        "winning_trades": 1,
        "losing_trades": 0,
        "total_fees": 0,
        "traded_value": 2000,
        "bars": 252,
        "duration": 0.001,
    }


class Runner:
    """A runner whose engine is a formula; it claims, completes and suggests as any other does."""

    def __init__(self, here: Desk) -> None:
        self.director = here.connect("director")
        self.connection: psycopg.Connection[Any] = here.connect("runner")
        self.runner_id = self._one(
            "select desk.register_runner('bench', 1, '0', %s, 1, 'formula', false, %s)",
            ["surface", "optuna"],
            json.dumps(strategies()),
        )

    def _one(self, query: str, *parameters: Any) -> Any:
        row = self.connection.execute(query.encode(), parameters).fetchone()
        return row[0] if row else None

    def search(self, name: str, optimization: dict[str, Any], seed: int) -> Outcome:
        config = {
            "symbols": ["GOOG"],
            "commission": 0,
            "seed": seed,
            "success_criteria": {"min_trades": 1},
            "optimization": {"target_metric": "Total Return"} | optimization,
        }
        row = self.director.execute(
            "insert into desk.jobs (strategy, config) values (%s, %s) returning id",
            (f"surface_{name}", json.dumps(config)),
        ).fetchone()
        assert row is not None
        while self._work(SURFACES[name]):
            pass
        found = self.director.execute(
            "select p.finished, b.parameters, b.total_return from desk.optimization_runs as r"
            " join desk.run_progress as p on p.optimization_run_id = r.id"
            " join desk.backtest_results as b on b.id = p.best_result_id where r.job_id = %s",
            (row[0],),
        ).fetchone()
        assert found is not None
        value, x, y = full_grid(SURFACES[name])
        point = found[1]
        return Outcome(found[0], value - found[2], math.dist((x, y), (float(point["x"]), float(point["y"]))))

    def _work(self, surface: Surface) -> bool:
        """One round of what a runner does; False when nothing is left."""
        self._one("select desk.advance_runs(%s)", self.runner_id)
        items = self.connection.execute(
            "select work_item_id, token, ordinals, parameters from desk.claim_work(%s, 50)", (self.runner_id,)
        ).fetchall()
        with self.connection.pipeline():
            for item, token, ordinals, points in items:
                for ordinal, point in zip(ordinals, points, strict=True):
                    value = surface(float(point["x"]), float(point["y"]))
                    self.connection.execute(
                        "select desk.complete_work(array[row(%s, %s, %s, %s, null, null, '{}', '{}', '{}',"
                        " '{}', '{}', '{}', '{}', '{}')::desk.point_outcome])",
                        (item, token, ordinal, json.dumps(metrics(value))),
                    )
        return bool(items) or self._suggest() or bool(self._one("select desk.open_work()"))

    def _suggest(self) -> bool:
        task = self.connection.execute(
            "select work_item_id, token, payload from desk.claim_task(%s)", (self.runner_id,)
        ).fetchone()
        if task is None:
            return False
        history = self.connection.execute(
            "select parameters, value from desk.search_history(%s, %s)", task[:2]
        ).fetchall()
        answer = suggest.run({"kind": "suggest", "payload": task[2], "history": history})
        self._one("select desk.complete_task(%s, %s, %s)", task[0], task[1], json.dumps(answer))
        return True


def full_grid(surface: Surface) -> tuple[float, float, float]:
    """Best value of all whole points, and where it is."""
    return max((surface(x, y), x, y) for x in range(SIDE + 1) for y in range(SIDE + 1))


def tables(quick: bool) -> Iterator[str]:
    seeds = range(1, 2 if quick else SEEDS + 1)
    whole = {"start": 0, "end": SIDE, "step": 1}
    coarse = whole | {"step": COARSE, "min_step": 1}
    drawn = {"parameters": {"x": whole, "y": whole}}
    rows = []
    with desk() as here:
        runner = Runner(here)
        for name in SURFACES:
            euler = runner.search(name, {"type": "Euler Search", "parameters": {"x": coarse, "y": coarse}}, 0)
            budget = {"points": euler.evaluations}
            random = [runner.search(name, {"type": "Random Search"} | budget | drawn, seed) for seed in seeds]
            bayes = {"type": "Bayesian Search", "batch_points": 8} | budget | drawn
            tpe = [runner.search(name, bayes, 100 + seed) for seed in seeds]
            rows.append((name, "full grid", f"{(SIDE + 1) ** 2:,}", "0", "0"))
            for label, found in (("Euler", [euler]), ("Optuna TPE", tpe), ("random", random)):
                rows.append(
                    (
                        name,
                        label,
                        f"{found[0].evaluations:,}",
                        _spread([one.shortfall for one in found], 3),
                        _spread([one.distance for one in found], 1),
                    )
                )
    yield markdown(("surface", "search", "evaluations", "short of the best value", "steps from it"), rows)


def _spread(values: list[float], digits: int) -> str:
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
