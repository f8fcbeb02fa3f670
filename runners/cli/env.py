"""`backdesk env`: the desk's address as variables that every PostgreSQL client reads."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from runners.database import connection


def register(app: typer.Typer) -> None:
    app.command("env", short_help="Print the desk's address for other programs: eval it.")(env)


def env(
    role: Annotated[str, typer.Option("--role", help="Whose rights the programs get.")] = "director",
) -> None:
    """Print the desk's address as PG* variables, by which psql, psycopg and every other client of libpq finds
    it as it stands. No password is printed: PGPASSFILE names the file.

    Examples:

      eval "$(backdesk env)"

      eval "$(backdesk env --role viewer)" && psql -c 'select * from strategy_leaderboard limit 10'
    """
    if role not in connection.ROLES:
        raise typer.BadParameter(
            f"there is no role {role}; the roles are {', '.join(connection.ROLES)}", param_hint="--role"
        )
    connection.check(role)
    for name, value in connection.environment(role).items():
        print(f"export {name}={shlex.quote(value)}")
