"""`python -m runners.optimize_runner --config FILE` or `--batch FILE`: from configs to their summaries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runners.cli.options import BatchFile, EstimateOnly, Force, Processes
from runners.jobs.own_runner import in_readiness
from runners.reporting import exit_codes

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
    with in_readiness(processes, wanted=not estimate) as spare:
        from runners.cli.searches import run_files

        run_files(
            [config] if config else None,
            batch_file=batch_file,
            processes=processes,
            force=force,
            estimate=estimate,
            spare=spare,
        )


def main() -> None:
    with exit_codes():
        app()


if __name__ == "__main__":
    main()
