"""The command `backdesk`. Each module of this package is one command, or one family of them."""

from __future__ import annotations

import os
import sys

import psycopg
import typer

from runners import __version__
from runners.cli import (
    backtest,
    backup,
    check,
    dbt,
    doctor,
    health,
    import_,
    leaderboard,
    lean,
    load,
    login,
    new,
    page,
    psql,
    queue,
    reproduce,
    run,
    schema,
    status,
    strategies,
    up,
    work,
)
from runners.cli.errors import report
from runners.errors import DeskError

app = typer.Typer(
    name="backdesk",
    help="A strategy-testing desk that lives in PostgreSQL.",
    epilog="Begin with [bold]backdesk up[/bold], then [bold]backdesk psql[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# A new command: a module here with `register(app)`, named in this list.
for module in (
    up, load, queue, run, psql, schema, work, dbt, leaderboard, page, import_, lean, status, doctor, backup,
    health, login, reproduce,
    strategies, backtest, new, check,
):  # fmt: skip
    module.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"backdesk {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
    ),
) -> None:
    """Options of `backdesk` itself."""


def main() -> None:
    """Entry point: runs the command; what the user can act on is printed without a traceback."""
    try:
        app()
    except (DeskError, psycopg.Error) as error:
        report(error)
        sys.exit(1)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader, such as `head`, has had enough; nothing is left to say, not even by the interpreter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
