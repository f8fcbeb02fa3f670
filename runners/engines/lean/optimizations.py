"""A whole `lean optimize`, delegated: LEAN searches, the desk imports what it leaves.

The desk's own search, one `lean backtest` a point, knows every metric and retries; this is for who wants
LEAN's optimizer itself.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runners.engines.lean.backtests import RESOLUTIONS
from runners.engines.lean.commands import Optimization, optimization, value_text
from runners.engines.lean.discovery import discover
from runners.engines.lean.execution import run_lean
from runners.engines.lean.settings import LeanSettings
from runners.engines.lean.workspace import Workspace
from runners.errors import DeskError
from strategies.lean_projects import LeanProjectError, lean_project

SECONDS = 4 * 3600.0
CONFIG_FILE = "optimizer.json"


class LeanOptimizationFailed(DeskError):
    """An optimization without results; `again` is True where another attempt may work out."""

    def __init__(self, message: str, *, again: bool, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.again = again


def run_lean_optimization(
    config: Mapping[str, Any],
    keep_in: Path,
    *,
    seconds: float = SECONDS,
    settings: LeanSettings | None = None,
    data_folder: Path | None = None,
) -> Path:
    """Run the optimization of a desk config; returns the folder below `keep_in` that has its results.

    `data_folder` is a LEAN data folder, by default that of BACKDESK_LEAN_DATA. Raises LeanCommandError and
    TargetError before anything is started, LeanOptimizationFailed where nothing can be imported.
    """
    plan = optimization(config)
    try:
        project = lean_project(plan.project)
    except LeanProjectError as error:
        raise LeanOptimizationFailed(str(error), again=False) from error
    with Workspace(settings or LeanSettings.from_environment()) as workspace:
        if data_folder is not None:
            workspace.write("lean.json", {"data-folder": str(data_folder.absolute()), "organization-id": ""})
        name = workspace.add_project(project.folder, {**_fixed(config), **plan.constants})
        workspace.write(CONFIG_FILE, plan.document())
        results = workspace.results("search")
        words = optimize_arguments(plan, name, results, workspace.settings.image)
        end = run_lean(words, workspace, results.name, seconds)
        found = discover(results) if results.is_dir() else None
        if found is None or not found.searches:
            why = [f"{one.file.name} {one.reason}" for one in found.refusals[:3]] if found else []
            if end.exit_code or not why:
                why.insert(0, end.error)
            raise LeanOptimizationFailed("; ".join(why), again=end.may_work_another_time)
        return _kept(results, keep_in, plan.project)


def optimize_arguments(plan: Optimization, project: str, results: Path, image: str | None) -> list[str]:
    """Words after `lean`: those that a user would type, and where to write and what not to pull."""
    words = plan.arguments(CONFIG_FILE)
    words[1] = project
    words += ["--output", str(results), "--no-update", "--data-provider-historical", "Local"]
    return [*words, "--image", image] if image else words


def _fixed(config: Mapping[str, Any]) -> dict[str, str]:
    """What the config fixes for every backtest, by the names under which a project reads it."""
    found = {
        name: config[name]
        for name in ("start_date", "end_date", "cash", "slippage", "seed")
        if name in config
    }
    if "timeframe" in config:
        found["resolution"] = RESOLUTIONS.get(config["timeframe"], config["timeframe"])
    symbols = config.get("symbols")
    if symbols:
        found["symbols"] = symbols if isinstance(symbols, str) else ",".join(map(str, symbols))
    commission = config.get("commission")
    if isinstance(commission, Mapping):
        found.update({f"commission_{name}": value for name, value in commission.items()})
    elif commission is not None:
        found["commission_percent"] = commission
    return {name: value_text(value) for name, value in found.items()}


def _kept(results: Path, keep_in: Path, project: str) -> Path:
    target = keep_in / project / "optimizations" / f"{dt.datetime.now(dt.UTC):%Y-%m-%d_%H-%M-%S}"
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{target.name.partition('.')[0]}.{number}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(results, target)
    except (OSError, shutil.Error) as error:
        raise LeanOptimizationFailed(
            f"the results cannot be kept in {target}: {error}", again=True
        ) from error
    return target
