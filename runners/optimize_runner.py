"""`python -m runners.optimize_runner --config FILE` or `--batch FILE`: from configs to their summaries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from runners.cli.errors import is_reportable, report
from runners.cli.options import BatchFile, EstimateOnly, Force, Processes
from runners.cli.run import search

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def optimize(
    config: Annotated[
        Path | None, typer.Option("--config", help="Config file (YAML).", show_default=False)
    ] = None,
    batch_file: BatchFile = None,
    processes: Processes = 0,
    force: Force = False,
    estimate: EstimateOnly = False,
) -> None:
    """Queue the search of a config file, or all of a batch, have it run, and end with the summary."""
    search(
        [config] if config else None,
        batch_file=batch_file,
        processes=processes,
        force=force,
        estimate=estimate,
    )


def main() -> None:
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not is_reportable(error):
            raise
        report(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
