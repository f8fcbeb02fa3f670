"""Runs points through LEAN, one `lean backtest` each.

A container that a child leaves behind, because it was cancelled, out of time or killed with its runner, is
stopped by the supervisor that runs `lean` (supervisor.py); one that outlived even that is stopped when the
next workspace on this machine is made. So the worker has nothing to clean up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from runners.engines.base import AdjustedPrices, FailureKind, Point, PointFailure, PointResult, RunSettings
from runners.engines.error_text import error_text
from runners.engines.lean.backtests import (
    LeanBacktestFailed,
    backtest_arguments,
    result_of,
    run_parameters,
    window_problem,
    write_prices,
)
from runners.engines.lean.commands import value_text
from runners.engines.lean.execution import run_lean
from runners.engines.lean.result_metrics import engine_metrics, fee_flags, measure
from runners.engines.lean.settings import LeanSettings
from runners.engines.lean.workspace import Workspace
from runners.engines.raw_metrics import ImpossibleResultError
from runners.errors import DeskError
from strategies.lean_projects import LeanProject, LeanProjectError, lean_project


class LeanEngine:
    """LEAN's own engine in its container, called through the `lean` command."""

    key = "lean"

    def run(
        self,
        settings: RunSettings,
        prices: Sequence[AdjustedPrices],
        points: Sequence[Point],
        on_start: Callable[[int], None],
    ) -> Iterator[PointResult | PointFailure]:
        """One outcome a point, in their order; all of an item share a workspace."""
        with ExitStack() as stack:
            workspace: Workspace | None = None
            for point in points:
                on_start(point.ordinal)
                outcome: PointResult | PointFailure
                try:
                    project = lean_project(settings.entry_point)
                    if workspace is None:
                        workspace = stack.enter_context(Workspace(LeanSettings.from_environment()))
                        workspace.add_project(project.folder, {})
                        if workspace.settings.data_folder is None:
                            write_prices(workspace.data, settings, prices)
                    outcome = _run_point(settings, workspace, project, point)
                except LeanBacktestFailed as failed:
                    kind: FailureKind = "infrastructure" if failed.again else "strategy"
                    outcome = PointFailure(point.ordinal, kind, str(failed))
                except (LeanProjectError, ImpossibleResultError) as error:
                    outcome = PointFailure(point.ordinal, "strategy", str(error))
                except (DeskError, OSError) as error:
                    outcome = PointFailure(point.ordinal, "infrastructure", error_text(error))
                if point is points[-1]:
                    # Whoever has the last outcome of an item ends this process.
                    stack.close()
                yield outcome


def _run_point(
    settings: RunSettings, workspace: Workspace, project: LeanProject, point: Point
) -> PointResult:
    began = time.perf_counter()
    results = workspace.results(f"point-{point.ordinal}")
    parameters = {
        **project.given,
        **run_parameters(settings),
        **{name: value_text(value) for name, value in point.parameters.items()},
    }
    words = backtest_arguments(project.name, results, parameters, workspace.settings.image)
    # The worker ends what takes too long; this limit stands behind it.
    end = run_lean(words, workspace, results.name, settings.seconds_per_point)
    result = result_of(results, end)
    problem = window_problem(result, settings, result.portfolio.get("startequity"))
    if problem is not None:
        raise LeanBacktestFailed(problem, again=False)
    measured = measure(result, settings)
    if measured.curve is None:
        raise LeanBacktestFailed("; ".join(measured.flags), again=False)
    metrics = dict(measured.metrics)
    # SQL makes flags of the run from these; a backtest without data ends as well as any other.
    metrics["engine_metrics"] = {
        **engine_metrics(result),
        **{f"flag {flag}": 1.0 for flag in (*measured.flags, *fee_flags(result, settings))},
    }
    metrics["duration"] = time.perf_counter() - began
    return PointResult(
        ordinal=point.ordinal,
        metrics=metrics,
        sessions=list(measured.curve.sessions),
        equity=list(measured.curve.equity),
        trades=list(measured.trades),
    )
