"""The real `lean` package, in an environment of its own below .cache: it has forty dependencies, and the desk
none of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = "1.0.230"
MODULES = {
    "modules": [
        {
            "id": "Local",
            "display-id": "Local",
            "type": ["data-downloader"],
            "platform": ["local", "cli"],
            "configurations": [
                {
                    "id": "data-provider",
                    "type": "info",
                    "value": "QuantConnect.Lean.Engine.DataFeeds.DefaultDataProvider",
                }
            ],
        }
    ]
}
"""As much of the file that it downloads at its first start as it needs to start without a network."""


@lru_cache(maxsize=1)
def real_lean() -> Path | str:
    """The folder of the environment's programs, or why there is none."""
    home = ROOT / ".cache" / "lean-cli" / "venv"
    program = home / "bin" / "lean"
    if not program.is_file():
        why = _install(home)
        if why:
            return why
    [package] = home.glob("lib/python*/site-packages/lean")
    (package / "modules-1.14.json").write_text(json.dumps(MODULES))
    return program.parent


def _install(home: Path) -> str:
    installer = ROOT / ".venv" / "bin" / "uv"
    if not installer.is_file():
        return "the package lean cannot be installed: there is no uv"
    home.parent.mkdir(parents=True, exist_ok=True)
    for words in (
        ["venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
        ["pip", "install", "--quiet", "--python", str(home / "bin" / "python"), f"lean=={VERSION}"],
    ):
        try:
            done = subprocess.run(
                [installer, *words], capture_output=True, text=True, timeout=300, env=os.environ
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the package lean cannot be installed: {error}"
        if done.returncode:
            return f"the package lean cannot be installed: {done.stderr.strip()[-200:]}"
    return ""
