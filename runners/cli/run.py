"""`backdesk run`: queue a search, have it run, and see its summary."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from runners.cli.errors import report
from runners.database.connection import connect
from runners.jobs.following import JobStanding
from runners.jobs.queueing import Queued, Refused, queue, read_configs
from runners.jobs.running import Interrupted, run_until_over
from runners.settings import Settings

Processes = Annotated[
    int,
    typer.Option(
        "--processes",
        "-n",
        min=0,
        max=1024,
        help="Backtests at a time of a runner of its own; 0: one a processor.",
    ),
]


def register(app: typer.Typer) -> None:
    app.command("run", short_help="Queue searches, wait for them, print their summaries.")(run)


def run(
    files: Annotated[list[Path], typer.Argument(help="Config files (YAML).", show_default=False)],
    processes: Processes = 0,
    priority: Annotated[int, typer.Option(help="Higher is worked on first; -1000 to 1000.")] = 0,
    note: Annotated[str | None, typer.Option(help="A note that is kept with the jobs.")] = None,
) -> None:
    """Queue searches, have them run, and print the summary of each.

    The runners that are alive do the work; where there is none, one is started for as long as it takes. An
    identical job that is still open is joined. Ctrl-C leaves the jobs in the queue.

    Example:

      backdesk run configs/optimizations/rsi_etf_example.yaml
    """
    run_files(files, processes=processes, priority=priority, note=note)


def run_files(
    files: Sequence[Path], *, processes: int = 0, priority: int = 0, note: str | None = None
) -> list[JobStanding]:
    """Queues, follows and sums up; ends the process with 1 where a job failed, with 130 at Ctrl-C."""
    settings = Settings.from_environment()
    try:
        configs = read_configs(files)
        with connect("director", settings=settings) as director:
            queued = queue(director, configs, priority=priority, note=note, join=True)
            announce(queued)
            jobs = run_until_over(
                director, [job.job_id for job in queued], settings=settings, processes=processes
            )
    except Refused as refused:
        for error in refused.errors:
            report(error)
        raise typer.Exit(1) from None
    except Interrupted as interrupted:
        report(interrupted)
        raise typer.Exit(130) from None
    print("next: backdesk psql -c 'select * from strategy_leaderboard limit 10'", file=sys.stderr)
    sum_up(jobs)
    if any(job.state != "done" for job in jobs):
        raise typer.Exit(1)
    return jobs


def announce(queued: Sequence[Queued]) -> None:
    """One line a job."""
    for job in queued:
        what = "is open already and identical: joined" if job.joined else "queued"
        print(
            f"job {job.job_id}  {job.config.path}: {job.combinations:,} combinations, {what}", file=sys.stderr
        )


def sum_up(jobs: Sequence[JobStanding]) -> None:
    """The summary line of each job; with several, each says whose it is."""
    for job in jobs:
        text = job.summary or job.state
        if job.error:
            text = f"{text}; {job.state}: {job.error}"
        print(text if len(jobs) == 1 else f"{job.config_file or job.strategy}: {text}")
