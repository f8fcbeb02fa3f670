"""`backdesk run`: queue a search, have it run, and see its summary."""

from __future__ import annotations

from typing import Annotated

import typer

from runners.cli.options import BatchFile, EstimateOnly, Files, Force, Processes
from runners.jobs.own_runner import in_readiness


def register(app: typer.Typer) -> None:
    app.command("run", short_help="Queue searches, wait for them, print their summaries.")(run)


def run(
    files: Files = None,
    batch_file: BatchFile = None,
    processes: Processes = 0,
    priority: Annotated[int, typer.Option(help="Higher is worked on first; -1000 to 1000.")] = 0,
    note: Annotated[str | None, typer.Option(help="A note that is kept with the jobs.")] = None,
    force: Force = False,
    estimate: EstimateOnly = False,
) -> None:
    """Queue searches, have them run, and print the summary of each.

    The runners that are alive do the work; where there is none, one is started for as long as it takes. An
    identical job that is still open is joined. Ctrl-C leaves the jobs in the queue.

    Examples:

      backdesk run configs/optimizations/rsi_etf_example.yaml

      backdesk run --batch configs/batches/mean_reversion_batch.yaml
    """
    with in_readiness(processes, wanted=not estimate) as spare:
        from runners.cli.searches import run_files

        run_files(
            files,
            batch_file=batch_file,
            processes=processes,
            priority=priority,
            note=note,
            force=force,
            estimate=estimate,
            spare=spare,
        )
