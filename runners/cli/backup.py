"""`backdesk backup` and `backdesk restore`: a desk as one file, and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from runners.cli.up import bring_up
from runners.database import dump, embedded, roles
from runners.errors import DeskError
from runners.settings import Settings


class WouldOverwrite(DeskError):
    """What is there would be lost."""


def register(app: typer.Typer) -> None:
    app.command("backup", short_help="Write the whole desk into one file.")(backup)
    app.command("restore", short_help="Make a desk out of such a file.")(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="File to write.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the whole desk into one file: jobs, runs, results, curves, prices, strategies, settings.

    Runners and readers go on meanwhile; the file is what the desk was when it began. It has its name only
    once it is complete.

    Example:

      backdesk backup desk-2030-01-31.dump
    """
    settings = Settings.from_environment()
    if file.is_dir():
        raise dump.BackupError(f"{file} is a folder", hint=f"name the file: {file / 'desk.dump'}")
    if file.exists() and not force:
        raise WouldOverwrite(f"{file} is there already", hint="choose another name, or add --force")
    held = dump.contents(settings)
    if held is None:
        raise DeskError("there is no desk to back up", hint="run `backdesk up`")
    began = time.perf_counter()
    size = dump.backup(settings, file)
    print(f"{file}: {held} in {size / 1e6:.1f} MB ({time.perf_counter() - began:.1f} s)")


def restore(
    file: Annotated[Path, typer.Argument(help="File that backdesk backup wrote.", show_default=False)],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where jobs, results or prices are, which are lost.")
    ] = False,
) -> None:
    """Make a desk out of a backup: into an empty BACKDESK_HOME, or in place of the desk that is there.

    All or nothing: where the file turns out to be broken, the desk is as it was. Roles and passwords are made
    anew, an older schema is brought up to date, dbt's views are built. This is also the way to another major
    version of PostgreSQL: backup with the old one, restore with the new one.

    Example:

      BACKDESK_HOME=~/new-desk backdesk restore desk-2030-01-31.dump
    """
    settings = Settings.from_environment()
    if settings.database_url is None:
        embedded.start(settings)
    roles.ensure_database(settings)
    dump.read(settings, file)
    held = dump.contents(settings)
    if held is not None:
        if held.would_be_missed and not replace:
            raise WouldOverwrite(
                f"this desk holds {held}",
                detail=f"home {settings.home}" if settings.database_url is None else None,
                hint="restore into an empty BACKDESK_HOME, or back up first and add --replace",
            )
        if alive := dump.runners_alive(settings):
            raise WouldOverwrite(
                f"{alive} runners are working on this desk",
                hint="stop them first; one that was killed counts for a minute longer",
            )
    began = time.perf_counter()
    dump.restore(settings, file)
    now = dump.contents(settings)
    print(f"{file}: {now} restored ({time.perf_counter() - began:.1f} s)")
    bring_up(settings)
