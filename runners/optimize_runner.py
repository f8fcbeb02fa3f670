"""`python -m runners.optimize_runner --config FILE`: queue a search, run it, end with its summary."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from runners.cli.errors import report
from runners.cli.run import Processes, run_files
from runners.errors import DeskError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def optimize(
    config: Annotated[Path, typer.Option("--config", help="Config file (YAML).", show_default=False)],
    processes: Processes = 0,
) -> None:
    """Queue the search of a config file, have it run, and end with its summary line."""
    run_files([config], processes=processes)


def main() -> None:
    try:
        app()
    except (DeskError, psycopg.Error) as error:
        report(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
