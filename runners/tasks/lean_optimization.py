"""One delegated `lean optimize`: on the desk's bars, then imported and judged by the job's criteria."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from runners.configs.reader import Config
from runners.database.connection import connect
from runners.engines.lean.commands import in_leans_words
from runners.engines.lean.data_export import export
from runners.engines.lean.importer import ImportOptions, import_results
from runners.engines.lean.optimizations import LeanOptimizationFailed, run_lean_optimization
from runners.engines.lean.settings import LeanSettings
from runners.errors import DeskError
from runners.settings import Settings
from runners.tasks.registry import Request, TaskFailed

SECONDS = 3600.0
MARGIN = 60.0
"""Seconds before the task's own deadline at which LEAN is stopped, so that what it has can be imported."""


def run(request: Request) -> dict[str, Any]:
    """Answers the summary of the run that it was imported as, and its number."""
    payload = request["payload"]
    settings = LeanSettings.from_environment()
    with tempfile.TemporaryDirectory(prefix="lean-data-") as made:
        try:
            folder = run_lean_optimization(
                in_leans_words(payload),
                Settings.from_environment().home / "lean" / "results",
                seconds=max(MARGIN, float(payload.get("seconds", SECONDS)) - MARGIN),
                settings=settings,
                data_folder=settings.data_folder or _data(Path(made), payload),
            )
        except LeanOptimizationFailed as failed:
            raise TaskFailed(failed.message, hint=failed.hint, again=failed.again) from failed
    config = Config(f"the job's config ({folder.name})", dict(payload), {})
    with connect("importer", application_name="backdesk task") as importer:
        imported = import_results(
            importer, folder, ImportOptions(strategy=payload["strategy"], config=config, one_search=True)
        )
    runs = [one.run_id for one in imported if one.run_id is not None]
    if not runs:
        reasons = "; ".join(refusal.reason for one in imported for refusal in one.refusals[:3])
        raise TaskFailed(f"nothing of {folder.name} could be imported: {reasons}")
    summaries = " | ".join(one.summary for one in imported if one.run_id is not None)
    return {"summary": summaries, "optimization_run_ids": runs, "folder": str(folder)}


def _data(folder: Path, payload: Any) -> Path:
    """The desk's own bars, for LEAN."""
    try:
        with connect("viewer", application_name="backdesk task") as viewer:
            for _ in export(viewer, folder, payload["symbols"], payload["timeframe"]):
                pass
    except DeskError as error:
        raise TaskFailed(error.message, detail=error.detail, hint=error.hint) from error
    return folder
