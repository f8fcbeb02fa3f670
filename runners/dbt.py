"""dbt as a child process, on the desk's database, in the role that owns `analytics`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from backdesk.data import folder
from runners.database import connection, marts
from runners.errors import DeskError
from runners.settings import Settings

PROJECT = folder("dbt")

# The console script may lie anywhere on PATH; its entry point is in this very environment.
_PROGRAM = (sys.executable, "-c", "from dbt.cli.main import cli; cli(prog_name='backdesk dbt')")
# Words of dbt/macros/view_in_place.sql.
_OTHER_COLUMNS = "--full-refresh"
_BUSY = "is busy with readers"
_ATTEMPTS = 5


class DbtFailed(DeskError):
    """dbt is missing, or could not build the views."""


def run(arguments: Sequence[str], *, settings: Settings | None = None) -> int:
    """Runs dbt with these arguments on the terminal; its exit code."""
    settings = settings or Settings.from_environment()
    code = subprocess.run([*_PROGRAM, *arguments], env=_environment(settings)).returncode
    marts.publish(settings)
    return code


def build(settings: Settings | None = None) -> None:
    """Makes the views of `analytics`, or replaces them in place; changed columns make them anew.

    A view that readers do not let go of is tried again with those that stand on it, a few times.
    """
    settings = settings or Settings.from_environment()
    words = ["run"]
    for attempt in range(1, _ATTEMPTS + 1):
        failed = _quietly(words, settings)
        if not failed:
            marts.publish(settings)
            return
        if _BUSY in failed:
            print(f"dbt's views are busy with readers (attempt {attempt} of {_ATTEMPTS})", flush=True)
        if _OTHER_COLUMNS in failed:
            words = ["run", "--full-refresh"]
        elif _BUSY in failed:
            words = ["retry"]
        else:
            break
    raise DbtFailed(
        "dbt could not build the views of the schema analytics",
        detail=_complaint(failed),
        hint=f"the whole story is in {_log_folder(settings) / 'dbt.log'}",
    )


def _quietly(arguments: Sequence[str], settings: Settings) -> str:
    """What dbt said when it failed, else nothing."""
    done = subprocess.run(
        [*_PROGRAM, "--no-use-colors", *arguments],
        env=_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return "" if done.returncode == 0 else done.stdout or f"exit code {done.returncode}"


def _complaint(output: str) -> str:
    """The first error in dbt's output with what it is about, else the last lines."""
    lines = [line.split("  ", 1)[-1].strip() for line in output.splitlines()]
    first = next((number for number, line in enumerate(lines) if " Error" in line), len(lines) - 6)
    return "\n".join([line for line in lines[max(first, 0) :] if line][:3])


def _environment(settings: Settings) -> dict[str, str]:
    if find_spec("dbt") is None:
        raise DbtFailed("dbt is not installed", hint="pip install 'backdesk[dbt]'")
    connection.check("dbt", settings=settings)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return (
        inherited
        | {
            "DBT_PROJECT_DIR": str(PROJECT),
            "DBT_PROFILES_DIR": str(PROJECT),
            "DBT_TARGET_PATH": str(_home(settings) / "target"),
            "DBT_LOG_PATH": str(_log_folder(settings)),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        | connection.environment("dbt", settings=settings)
    )


def _home(settings: Settings) -> Path:
    return settings.home / "dbt"


def _log_folder(settings: Settings) -> Path:
    return _home(settings) / "logs"
