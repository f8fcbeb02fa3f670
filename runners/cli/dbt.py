"""`backdesk dbt`: dbt on the desk's database, with all of dbt's own arguments."""

from __future__ import annotations

import typer

from runners import dbt as desk_dbt


def register(app: typer.Typer) -> None:
    app.command(
        "dbt",
        context_settings={
            "allow_extra_args": True,
            "ignore_unknown_options": True,
            "allow_interspersed_args": False,
            "help_option_names": [],
        },
        short_help="Run dbt on the desk: build, test, docs generate, ...",
    )(dbt)


def dbt(context: typer.Context) -> None:
    """Run dbt on the desk's database. All arguments are dbt's own.

    Examples:

      backdesk dbt build

      backdesk dbt test --select strategy_leaderboard

      backdesk dbt docs generate
    """
    raise typer.Exit(desk_dbt.run(context.args))
