"""`python -m runners.tasks`: a task as JSON on stdin, what came of it as JSON on stdout.

Answers `{"result": {...}}`, or `{"error": "...", "again": true}` where another attempt may work. Whatever the
task prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from typing import Any

import psycopg

from runners.errors import DeskError
from runners.tasks.registry import TaskFailed, run


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What came of a task."""
    try:
        return {"result": run(request)}
    except TaskFailed as error:
        return {"error": _text(error), "again": error.again}
    except DeskError as error:
        return {"error": _text(error), "again": False}
    except psycopg.OperationalError as error:
        return {"error": str(error).strip(), "again": True}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "again": False}


def _text(error: DeskError) -> str:
    return "; ".join(part for part in (error.message, error.detail, error.hint) if part)


def main() -> None:
    request = json.load(sys.stdin)
    # Also what C code and child processes print must not get between the braces.
    stdout = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with redirect_stdout(sys.stderr):
        said = answer(request)
    json.dump(said, stdout)
    stdout.close()


if __name__ == "__main__":
    main()
