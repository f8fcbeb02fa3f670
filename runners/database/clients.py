"""PostgreSQL's client programs: those that fit a server, from the wheel or from PATH."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from runners.database import programs
from runners.errors import DeskError


class NoClient(DeskError):
    """No client program here can speak with the server."""


def client(name: str, server_major: int) -> Path:
    """pg_dump, pg_restore or psql: of the server's own version where there is one, else of a newer one."""
    found = sorted(_candidates(name))
    fitting = [path for major, path in found if major >= server_major]
    if fitting:
        return fitting[0]
    have = ", ".join(str(major) for major, _ in found) or "none"
    raise NoClient(
        f"there is no {name} for PostgreSQL {server_major}",
        detail=f"versions here: {have}",
        hint=f"install PostgreSQL {server_major}'s client (Debian: postgresql-client-{server_major})",
    )


def _candidates(name: str) -> list[tuple[int, Path]]:
    places = [shutil.which(name)]
    # Debian keeps every version in a folder of its own, and a wrapper on PATH that picks one by itself.
    places += [str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    with suppress(programs.ServerError):
        places.insert(0, str(programs.binaries() / name))
    return [(major, Path(place)) for place in places if place and (major := _major(place))]


def _major(program: str) -> int | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(\d+)", said.partition(")")[2] or said)
    return int(match[1]) if match else None
