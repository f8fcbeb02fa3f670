"""`backdesk strategies`: the list of strategies and their backlog."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from runners.cli.text_table import text_table
from runners.cli.up import publish_strategies
from runners.configs.backlog import BACKLOG, read_backlog, sync
from runners.database.connection import connect
from runners.settings import Settings

LIST = """
select coalesce(code, ''), strategy, status, priority::text,
       coalesce(asset_class, ''), coalesce(timeframe, ''),
       case when implemented then 'yes' else 'no' end, coalesce(config_file, ''), coalesce(reason, '')
from desk.backlog
where %(status)s::text is null or status = %(status)s
order by priority desc, code nulls last, strategy
"""
HEADINGS = ("code", "strategy", "status", "priority", "asset", "bar", "code here", "config", "reason")


def register(app: typer.Typer) -> None:
    strategies = typer.Typer(help="Strategies and their backlog.", no_args_is_help=True)
    strategies.command("sync", short_help="Bring code and backlog into the desk.")(sync_all)
    strategies.command("list", short_help="Show every strategy and where it stands.")(list_all)
    app.add_typer(strategies, name="strategies")


def sync_all(
    backlog: Annotated[Path, typer.Option(help="The backlog file (YAML).", show_default=False)] = BACKLOG,
) -> None:
    """Publish the strategies of this installation, then bring the backlog file into the desk.

    Their code here is current from now on: what waits is run by it, on runners that have it.
    May be repeated. The user's own strategies are the files of the folder that BACKDESK_STRATEGIES
    names, or else the project (a pyproject.toml with [tool.backdesk]) in whose folders this is called.
    What is taken out of the backlog file stays in the desk: results hang on it.
    """
    settings = Settings.from_environment()
    document = read_backlog(backlog)
    published = publish_strategies(settings, announce=True)
    with connect("director", settings=settings) as director:
        done = sync(director, document)
    counted = Counter(action for _, action in done)
    for strategy, action in done:
        if action != "unchanged":
            print(f"{action}: {strategy}")
    summary = ", ".join(f"{counted[word]} {word}" for word in ("made", "changed", "unchanged"))
    print(f"{published} strategies published; backlog: {summary}")


def list_all(
    status: Annotated[
        str | None, typer.Option(help="Only those that stand there: backlog, passed, rejected, ...")
    ] = None,
) -> None:
    """Show every strategy, the most urgent first."""
    with connect("viewer") as viewer:
        rows = viewer.execute(LIST, {"status": status}).fetchall()
    if rows:
        print(text_table(HEADINGS, rows, right=("priority",)))
    else:
        print("no strategy stands there" if status else "no strategy is known: backdesk strategies sync")
