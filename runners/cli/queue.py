"""`backdesk queue`: configs into jobs."""

from __future__ import annotations

import sys
from typing import Annotated

import psycopg
import typer

from runners.cli.files import given, print_estimates, refusals
from runners.cli.options import BatchFile, EstimateOnly, Files, Force
from runners.cli.text_table import text_table
from runners.database.connection import connect
from runners.jobs.own_code import announce, code_notes
from runners.jobs.queueing import queue
from runners.words import NOTHING


def register(app: typer.Typer) -> None:
    app.command("queue", short_help="Queue searches from config files, all of them or none.")(queue_files)


def queue_files(
    files: Files = None,
    batch_file: BatchFile = None,
    priority: Annotated[int, typer.Option(help="Higher is worked on first; -1000 to 1000.")] = 0,
    note: Annotated[str | None, typer.Option(help="A note that is kept with the jobs.")] = None,
    force: Force = False,
    estimate: EstimateOnly = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and count; queue nothing.")] = False,
) -> None:
    """Queue searches from config files. If one of them is refused, none is queued.

    Examples:

      backdesk queue configs/optimizations/rsi_etf_example.yaml

      backdesk queue configs/optimizations/*_example.yaml --priority 5 --dry-run

      backdesk queue --batch configs/batches/mean_reversion_batch.yaml --estimate
    """
    notices: dict[str, None] = {}
    with refusals(several=batch_file is not None or len(files or ()) > 1):
        configs, batch = given(files, batch_file)
        if estimate:
            return print_estimates(configs)
        with connect("director") as director:
            director.add_notice_handler(lambda notice: notices.update({_text(notice): None}))
            announce(director, configs)
            jobs = queue(
                director, configs, priority=priority, note=note, dry_run=dry_run, force=force, batch=batch
            )
            notes = code_notes(director, [job.job_id for job in jobs])

    rows = [
        (NOTHING if dry_run else str(job.job_id), job.name, str(job.searches), f"{job.combinations:,}")
        for job in jobs
    ]
    print(
        text_table(
            ("job", "config", "searches", "combinations"), rows, right=("job", "searches", "combinations")
        )
    )
    if dry_run:
        print("nothing was queued: --dry-run")
        return
    for notice in notices:
        print(notice, file=sys.stderr)
    for job_id, code in notes.items():
        print(f"job {job_id} is run by {code}")
    for job in jobs:
        if job.held:
            print(f"job {job.job_id} is held: nothing is known of its fees, so pilot points run first")
    print("watch: backdesk psql -c 'select * from job_progress'")
    if batch:
        print(f"batch: backdesk psql -c 'select * from batch_summary where batch_id = {jobs[0].batch_id}'")


def _text(notice: psycopg.errors.Diagnostic) -> str:
    return notice.message_primary or ""
