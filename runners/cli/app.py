"""`backdesk` itself: which commands there are, and what becomes of their errors."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from runners import __version__
from runners.cli.help_text import HELP_OPTIONS, hide_types, make_readable
from runners.reporting import is_reportable, report

# A new command: a module here with `register(app)`, and a line for each of its commands, in the help's order.
TOPICS = {
    "The desk": {
        "up": "up",
        "down": "up",
        "status": "status",
        "doctor": "doctor",
        "psql": "psql",
        "env": "env",
        "app": "page",
        "dbt": "dbt",
    },
    "Searches and backtests": {
        "queue": "queue",
        "run": "run",
        "work": "work",
        "backtest": "backtest",
        "import": "import_",
        "lean": "lean",
    },
    "Results": {
        "leaderboard": "leaderboard",
        "reproduce": "reproduce",
    },
    "Strategies, configs and prices": {
        "new": "new",
        "check": "check",
        "strategies": "strategies",
        "schema": "schema",
        "load": "load",
    },
    "Trading": {
        "live": "live",
        "paper-replay": "live",
        "stop": "stop",
    },
    "Keeping a desk": {
        "backup": "backup",
        "restore": "backup",
        "login": "login",
        "health": "health",
    },
}


def commands() -> dict[str, str]:
    """The module of each command, in the help's order."""
    return {command: module for modules in TOPICS.values() for command, module in modules.items()}


class Commands(TyperGroup):
    """Imports the module of the command that is called, and all of them only for the help."""

    def list_commands(self, ctx: Any) -> list[str]:
        for module in dict.fromkeys(commands().values()):
            self._import(module)
        return list(commands())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if module := commands().get(cmd_name):
            self._import(module)
        elif cmd_name not in self.commands:
            # Whoever misspells a command is told of those that look like it.
            self.list_commands(ctx)
        return super().get_command(ctx, cmd_name)

    def get_params(self, ctx: Any) -> Any:
        parameters = super().get_params(ctx)
        hide_types(parameters)
        return parameters

    def _import(self, module: str) -> None:
        if any(name in self.commands for name, place in commands().items() if place == module):
            return
        part = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
        # Without one, Typer makes no group of a single command.
        part.callback()(lambda: None)
        import_module(f"runners.cli.{module}").register(part)
        found: dict[str, Any] = getattr(get_command(part), "commands")  # noqa: B009
        for name, command in found.items():
            command.rich_help_panel = next(topic for topic, names in TOPICS.items() if name in names)
            make_readable(command)
        self.commands.update(found)


app = typer.Typer(
    name="backdesk",
    cls=Commands,
    help="A strategy-testing desk that lives in PostgreSQL.",
    epilog="Begin with [bold]backdesk up[/bold], then [bold]backdesk psql[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": list(HELP_OPTIONS)},
)


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
    except KeyboardInterrupt:
        print(file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader, such as `head`, has had enough; nothing is left to say, not even by the interpreter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if not is_reportable(error):
            raise
        report(error)
        sys.exit(1)
