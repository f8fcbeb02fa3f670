"""Where a strategy's own files land: a folder of its point, which is gone again where it wrote none."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class PointFolder:
    """`root`/run-12/point-345 is the working folder while point 345 of run 12 runs."""

    def __init__(self, root: Path, run_id: int) -> None:
        self._run = root / f"run-{run_id}"
        self._point: Path | None = None

    def enter(self, ordinal: int) -> None:
        self.leave()
        point = self._run / f"point-{ordinal}"
        # A host whose disk is full or read-only runs strategies that write nothing.
        with suppress(OSError):
            point.mkdir(parents=True, exist_ok=True)
            os.chdir(point)
            self._point = point

    def leave(self) -> None:
        """Nothing is left of a point, or of a run, that wrote nothing."""
        if self._point is None:
            return
        os.chdir("/")
        with suppress(OSError):
            self._point.rmdir()
            self._run.rmdir()
        self._point = None
