"""`backdesk new`: a strategy with its config and its test, or a repository of one's own, to begin with."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from backdesk.project import strategies_folder
from runners.cli.new_project import project
from runners.templates import Layout, NotMade, refuse_name, write_strategy

FOLDER = Path("my_strategies")


def register(app: typer.Typer) -> None:
    new = typer.Typer(help="Files to begin with.", no_args_is_help=True)
    new.command("strategy", short_help="Write a class, a config and a test.")(strategy)
    new.command("project", short_help="Write a repository for strategies of your own.")(project)
    app.add_typer(new, name="new")


def strategy(
    name: Annotated[str, typer.Argument(help="Small letters, digits and _.", show_default=False)],
    folder: Annotated[
        Path | None,
        typer.Option(help="Default: that of BACKDESK_STRATEGIES or of your project, else my_strategies."),
    ] = None,
) -> None:
    """Write a strategy that works, its config and its test; then make them yours.

    Example:

      backdesk new strategy weekly_reversal
    """
    known = strategies_folder()
    target = folder or known or FOLDER
    source, config, test = written(name, target)
    for path in (source, config, test):
        print(f"wrote {path}")
    print()
    if known is None or known != target.resolve():
        print(f"export BACKDESK_STRATEGIES={shlex.quote(str(target.resolve()))}")
    print(f"python -m pytest {short(test)}")
    print(f"backdesk check {name}")
    print("backdesk strategies sync")
    print(f"backdesk run {short(config)}")


def written(name: str, folder: Path) -> list[Path]:
    """Write the three files; NotMade where one is there already or the name will not do."""
    refuse_name("a strategy", name)
    # Backtrader takes a second to import, which no other command should pay for.
    from strategies.registry import entries

    known = entries()
    if name in known:
        raise NotMade(f"there is a strategy {name} already, in {known[name].path}")
    return write_strategy(name, Layout.of(folder))


def short(path: Path) -> str:
    """A path as one would type it here."""
    return shlex.quote(min(os.path.relpath(path), str(path), key=len))
