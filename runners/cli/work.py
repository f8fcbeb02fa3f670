"""`backdesk work`: a runner that claims backtests, executes and records them."""

from __future__ import annotations

import typer

from runners.worker.serving import serve


def register(app: typer.Typer) -> None:
    app.command("work", short_help="Claim backtests, run them and record what comes out.")(work)


def work(
    processes: int = typer.Option(
        0, "--processes", "-n", min=0, max=1024, help="Backtests at a time; 0 is one a processor."
    ),
    drain: bool = typer.Option(False, "--drain", help="End when nothing is left to do."),
    stock: bool = typer.Option(False, "--stock", help="Backtrader's own loop only, none of our faster ones."),
    dbt: bool = typer.Option(False, "--dbt", help="Also refresh what dbt has materialised."),
) -> None:
    """Claim backtests from the database, run them in child processes and record what comes out.

    Any number of runners, on any hosts, may work on one database. Ctrl-C finishes what runs and claims no
    more; a second Ctrl-C gives the work back at once, for others to claim.

    Examples:

      backdesk work

      backdesk work --processes 4 --drain
    """
    raise typer.Exit(serve(processes, drain=drain, stock=stock, dbt=dbt))
