"""A workspace of LEAN's: a folder with lean.json, data, one project and a HOME of its own.

`lean` rewrites lean.json and files in HOME on every call, so each process that calls it has its own
workspace, and holds a lock on it. A workspace whose lock nobody holds belongs to a process that died:
whatever container still writes there is stopped before the folder goes.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runners.engines.lean.settings import LeanSettings
from runners.engines.lean.supervisor import remove_containers
from runners.errors import DeskError

LOCK = "lock"
UNNAMED_SECONDS = 3600.0
RESULTS = "runs"
"""Not `backtests` or `optimizations`: LEAN refuses paths that end so."""
_NOT_COPIED = shutil.ignore_patterns("backtests", "optimizations", "live", "storage", "__pycache__", ".*")


class WorkspaceError(DeskError):
    """A workspace that cannot be made."""


class Workspace:
    """Use as a context: made when entered, gone with its containers when left."""

    def __init__(self, settings: LeanSettings) -> None:
        self.settings = settings
        self._descriptor = -1
        self.root = Path()

    def __enter__(self) -> Self:
        try:
            self.settings.home.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self.settings)
            made = Path(tempfile.mkdtemp(prefix=".new-", dir=self.settings.home))
            self._descriptor = os.open(made / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            # It gets its name when it is locked, so that nobody takes it for abandoned.
            self.root = made.rename(made.with_name(f"workspace-{made.name[5:]}"))
            for folder in ("home", "data", RESULTS):
                (self.root / folder).mkdir()
            data = self.settings.data_folder
            self._write("lean.json", {"data-folder": str(data) if data else "data", "organization-id": ""})
        except OSError as error:
            self.__exit__(None, None, None)
            raise WorkspaceError(
                f"no workspace for LEAN in {self.settings.home}: {error.strerror}"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.root != Path():
            remove_containers(str(self.root / RESULTS), self.settings.docker)
            shutil.rmtree(self.root, ignore_errors=True)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @property
    def lock(self) -> int:
        """Descriptor of the lock: whoever inherits it keeps the workspace from being cleared away."""
        return self._descriptor

    @property
    def data(self) -> Path:
        return self.settings.data_folder or self.root / "data"

    @property
    def variables(self) -> dict[str, str]:
        return self.settings.variables(self.root / "home")

    def add_project(self, source: Path, parameters: Mapping[str, str]) -> str:
        """Copy a project in, with these parameters laid over its own; returns the name that `lean` takes."""
        target = self.root / source.name
        try:
            shutil.copytree(source, target, ignore=_NOT_COPIED)
            config = project_config(source)
            config["parameters"] = {**config.get("parameters", {}), **parameters}
            self._write(f"{source.name}/config.json", config)
        except (OSError, shutil.Error) as error:
            raise WorkspaceError(f"the project {source} cannot be copied: {error}") from error
        return source.name

    def results(self, name: str) -> Path:
        """Where one call's output goes; LEAN makes the folder itself."""
        return self.root / RESULTS / name

    def write(self, name: str, document: Mapping[str, Any]) -> Path:
        """A JSON file in the workspace."""
        try:
            return self._write(name, document)
        except OSError as error:
            raise WorkspaceError(f"{name} cannot be written: {error.strerror}") from error

    def _write(self, name: str, document: Mapping[str, Any]) -> Path:
        path = self.root / name
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        return path


def project_config(project: Path) -> dict[str, Any]:
    """A project's config.json; empty where it has none that can be read."""
    try:
        found = json.loads((project / "config.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remove_abandoned(settings: LeanSettings) -> int:
    """Stops the containers of workspaces whose process died, and clears them away; returns how many."""
    removed = 0
    for unnamed in settings.home.glob(".new-*"):
        # Its maker died within a millisecond of its life.
        with suppress(FileNotFoundError):
            if time.time() - unnamed.stat().st_mtime > UNNAMED_SECONDS:
                shutil.rmtree(unnamed, ignore_errors=True)
    for root in settings.home.glob("workspace-*"):
        try:
            descriptor = os.open(root / LOCK, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            # A container that docker did not answer for is left for the next to come.
            if remove_containers(str(root / RESULTS), settings.docker):
                shutil.rmtree(root, ignore_errors=True)
                removed += 1
        finally:
            os.close(descriptor)
    return removed
