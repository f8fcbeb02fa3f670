"""What PostgreSQL's `postmaster.pid` says, and whether to believe it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PidFile:
    """`socket_folder` is None until the server has made its socket."""

    path: Path
    pid: int
    socket_folder: Path | None


def read(data: Path) -> PidFile | None:
    """The data folder's pid file, or None where there is none or it is still being written."""
    path = data / "postmaster.pid"
    try:
        lines = path.read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
        return None
    folder = Path(lines[4]) if len(lines) > 4 and lines[4] else None
    return PidFile(path=path, pid=abs(pid), socket_folder=folder)


def is_postgres(pid: int) -> bool:
    """Whether the process lives (a zombie does not) and is a postgres."""
    return "postgres" in _program(pid)


def remove_if_foreign(data: Path) -> None:
    """Removes a pid file whose number now belongs to a living process that is no postgres.

    PostgreSQL itself cannot tell and would refuse to start for as long as that process lives, which
    after the restart of a container may be for ever. In every other case the file is PostgreSQL's affair.
    """
    recorded = read(data)
    if recorded and _program(recorded.pid) and not is_postgres(recorded.pid):
        recorded.path.unlink(missing_ok=True)


def _program(pid: int) -> str:
    """Name of the living process with this number, or an empty string."""
    status = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            name, _, rest = status.read_text(errors="replace").partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if rest.split()[0] in "ZX" else name
    found = subprocess.run(["ps", "-o", "stat=,comm=", "-p", str(pid)], capture_output=True, text=True)
    state, _, command = found.stdout.strip().partition(" ")
    return "" if not state or state.startswith("Z") else os.path.basename(command.strip())  # noqa: PTH119
