"""Other backtesters and queues, installed for the benchmarks alone into folders of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.prices import CACHE

BACKTESTERS = ("backtesting==0.6.6", "vectorbt==1.2.0")
QUEUES = ("pgqueuer[asyncpg]==1.6.0", "procrastinate==3.10.0", "psycopg[binary]==3.3.9")


def peers(packages: tuple[str, ...] = BACKTESTERS, folder: str = "peers") -> tuple[Path | None, str]:
    """The interpreter that has them, or the reason why there is none."""
    home = CACHE / folder
    python = home / "bin" / "python"
    mark = home / ".complete"
    if mark.exists() and mark.read_text() == " ".join(packages):
        return python, ""
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *packages], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        return None, f"the peers could not be installed: {said[-1] if said else 'no reason given'}"
    mark.write_text(" ".join(packages))
    return python, ""
