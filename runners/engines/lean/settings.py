"""What the LEAN side takes from the environment, read in one place.

BACKDESK_LEAN        the `lean` command (default: that on PATH, or in the desk's own environment)
BACKDESK_LEAN_DATA   a LEAN data folder of the user's own, in place of the desk's prices
BACKDESK_LEAN_IMAGE  the engine's docker image, in place of LEAN's default
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runners.settings import Settings

# What `lean` and docker need; nothing that leads to the desk's database is among them.
_PASSED = (
    "PATH",
    "LANG",
    "LC_",
    "TMPDIR",
    "DOCKER_",
    "SSL_CERT",
    "REQUESTS_CA",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)
_WIDE = "1000"
"""Columns: LEAN wraps its messages at 80 otherwise."""


@dataclass(frozen=True)
class LeanSettings:
    """`home` is where workspaces are made: one a process, since `lean` writes into its workspace and HOME."""

    home: Path
    command: str = "lean"
    docker: str = "docker"
    data_folder: Path | None = None
    image: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> LeanSettings:
        given = os.environ if environment is None else environment
        data = given.get("BACKDESK_LEAN_DATA")
        return cls(
            home=Settings.from_environment(given).home / "lean",
            command=given.get("BACKDESK_LEAN") or _beside_python(given.get("PATH", "")),
            data_folder=Path(data).expanduser().absolute() if data else None,
            image=given.get("BACKDESK_LEAN_IMAGE") or None,
        )

    def variables(self, home: Path, environment: Mapping[str, str] | None = None) -> dict[str, str]:
        """Environment of a `lean` process whose HOME is `home`."""
        given = os.environ if environment is None else environment
        passed = {name: value for name, value in given.items() if name.upper().startswith(_PASSED)}
        # Contexts and logins of docker lie in the user's own HOME.
        own = Path(given.get("HOME", "/nonexistent")) / ".docker"
        if "DOCKER_CONFIG" not in passed and own.is_dir():
            passed["DOCKER_CONFIG"] = str(own)
        return {**passed, "HOME": str(home), "COLUMNS": _WIDE, "PYTHONUNBUFFERED": "1"}


def _beside_python(path: str) -> str:
    """`lean` on PATH, else that of the desk's own environment, which need not be activated."""
    own = Path(sys.prefix) / "bin" / "lean"
    return str(own) if shutil.which("lean", path=path) is None and own.is_file() else "lean"
