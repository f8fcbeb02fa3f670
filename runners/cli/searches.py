"""Searches from their files to their summaries, as several commands run them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import typer

from runners.cli.files import given, print_estimates, refusals
from runners.database.connection import connect
from runners.jobs import own_code
from runners.jobs.following import JobStanding
from runners.jobs.own_runner import OwnRunner
from runners.jobs.queueing import Queued, queue
from runners.jobs.running import Interrupted, run_until_over
from runners.reporting import report
from runners.settings import Settings

BATCH_LINE = "select format('%%s: %%s', name, summary) from desk.batch_summary where batch_id = %s"


def run_files(
    files: Sequence[Path] | None,
    *,
    batch_file: Path | None = None,
    processes: int = 0,
    priority: int = 0,
    note: str | None = None,
    force: bool = False,
    estimate: bool = False,
    spare: OwnRunner | None = None,
) -> None:
    """Queues, follows and sums up; ends the process with 1 where a job failed, with 130 at Ctrl-C.

    `spare` is a runner that begins where no other is alive.
    """
    # What is imported stays: the interpreter ends sooner if it need not look at it again.
    gc.freeze()
    settings = Settings.from_environment()
    batch_line = None
    try:
        with refusals():
            configs, batch = given(files, batch_file)
            if estimate:
                print_estimates(configs)
                return
            with connect("director", settings=settings) as director:
                own_code.announce(director, configs)
                queued = queue(
                    director, configs, priority=priority, note=note, join=True, force=force, batch=batch
                )
                announce(queued)
                job_ids = [job.job_id for job in queued]
                for job_id, code in own_code.code_notes(director, job_ids).items():
                    print(f"job {job_id}  is run by {code}", file=sys.stderr)
                jobs = run_until_over(director, job_ids, settings=settings, processes=processes, spare=spare)
                for job_id, fault in own_code.code_faults(director, job_ids):
                    print(f"look: job {job_id}: {fault}", file=sys.stderr)
                made = next((job.batch_id for job in queued if not job.joined), None)
                if batch and made is not None:
                    batch_line = director.execute(BATCH_LINE, (made,)).fetchone()
    except Interrupted as interrupted:
        report(interrupted)
        raise typer.Exit(130) from None
    print("next: backdesk psql -c 'select * from strategy_leaderboard limit 10'", file=sys.stderr)
    sum_up(jobs, {job.job_id: job.name for job in queued} if batch else {})
    if batch_line:
        print(batch_line[0])
    if any(job.state != "done" for job in jobs):
        raise typer.Exit(1)


def announce(queued: Sequence[Queued]) -> None:
    """One line a job."""
    for job in queued:
        what = "is open already and identical: joined" if job.joined else "queued"
        print(f"job {job.job_id}  {job.name}: {job.combinations:,} combinations, {what}", file=sys.stderr)
        if job.held:
            print(
                f"job {job.job_id}  nothing is known of its fees: a few pilot points run first",
                file=sys.stderr,
            )


def sum_up(jobs: Sequence[JobStanding], names: Mapping[int, str] = MappingProxyType({})) -> None:
    """The summary line of each job; with several, each says whose it is. Before them, what to look at."""
    for job in jobs:
        whose = f"job {job.job_id}: " if len(jobs) > 1 else ""
        if job.reused:
            print(
                f"{whose}{job.reused:,} of {job.recorded:,} points were known from earlier searches",
                file=sys.stderr,
            )
        for flag in job.flags:
            print(f"look: {whose}{flag}", file=sys.stderr)
    for job in jobs:
        text = job.summary or job.state
        if job.error:
            text = f"{text}; {job.state}: {job.error}"
        name = names.get(job.job_id) or job.config_file or job.strategy
        print(text if len(jobs) == 1 else f"{name}: {text}")
