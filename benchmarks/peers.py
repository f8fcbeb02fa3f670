"""Other backtesters, installed for the benchmarks alone into a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.prices import CACHE

PACKAGES = ("backtesting==0.6.6", "vectorbt==1.2.0")


def peers() -> tuple[Path | None, str]:
    """The interpreter that has them, or the reason why there is none."""
    folder = CACHE / "peers"
    python = folder / "bin" / "python"
    mark = folder / ".complete"
    if mark.exists() and mark.read_text() == " ".join(PACKAGES):
        return python, ""
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        return None, f"the peers could not be installed: {said[-1] if said else 'no reason given'}"
    mark.write_text(" ".join(PACKAGES))
    return python, ""
