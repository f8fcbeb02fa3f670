"""Puts the stand-ins for `lean` and `docker` on the path of whoever is started with its variables."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent / "stand_ins"


@dataclass(frozen=True)
class StandIn:
    """A folder with both commands; `mode` says what goes wrong."""

    folder: Path

    @classmethod
    def install(cls, folder: Path, mode: str = "ok") -> StandIn:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("lean", "docker"):
            shutil.copy(HERE / name, folder / name)
        stand_in = cls(folder)
        stand_in.set(mode)
        return stand_in

    def set(self, mode: str) -> None:
        made = self.folder / "mode.new"
        made.write_text(json.dumps({"mode": mode}))
        made.replace(self.folder / "mode.json")

    @property
    def variables(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}

    def containers(self) -> list[int]:
        """Process ids of the containers that are still there."""
        place = self.folder / "containers"
        found = []
        for file in place.iterdir() if place.is_dir() else ():
            pid = int(file.read_text() or 0)
            if (
                pid
                and Path(f"/proc/{pid}/stat").exists()
                and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]
            ):
                found.append(pid)
        return found
