"""`backdesk queue`: configs into jobs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from runners.cli.errors import report
from runners.cli.text_table import text_table
from runners.database.connection import connect
from runners.jobs.queueing import Refused, queue, read_configs


def register(app: typer.Typer) -> None:
    app.command("queue", short_help="Queue searches from config files, all of them or none.")(queue_files)


def queue_files(
    files: Annotated[list[Path], typer.Argument(help="Config files (YAML).", show_default=False)],
    priority: Annotated[int, typer.Option(help="Higher is worked on first; -1000 to 1000.")] = 0,
    note: Annotated[str | None, typer.Option(help="A note that is kept with the jobs.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and count; queue nothing.")] = False,
) -> None:
    """Queue searches from config files. If one of them is refused, none is queued.

    Examples:

      backdesk queue configs/optimizations/rsi_etf_example.yaml

      backdesk queue configs/optimizations/*_example.yaml --priority 5 --dry-run
    """
    notices: dict[str, None] = {}
    try:
        configs = read_configs(files)
        with connect("director") as director:
            director.add_notice_handler(lambda notice: notices.update({_text(notice): None}))
            jobs = queue(director, configs, priority=priority, note=note, dry_run=dry_run)
    except Refused as refused:
        for error in refused.errors:
            report(error)
        if len(files) > 1:
            print("nothing was queued", file=sys.stderr)
        raise typer.Exit(1) from None

    rows = [
        ("-" if dry_run else str(job.job_id), job.config.path, str(job.searches), f"{job.combinations:,}")
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
    print("watch: backdesk psql -c 'select * from job_progress'")


def _text(notice: psycopg.errors.Diagnostic) -> str:
    return notice.message_primary or ""
