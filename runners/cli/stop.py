"""`backdesk stop`: no order is allowed from here on. What it does, SQL does; this only calls it."""

from __future__ import annotations

from typing import Annotated

import typer

from runners.database.connection import connect
from runners.errors import DeskError
from runners.settings import Settings

STOP = "select desk.emergency_stop(%s, %s, %s, %s)"


def register(app: typer.Typer) -> None:
    app.command("stop", short_help="Stop all trading, or that of an account, at once.")(stop)


def stop(
    reason: Annotated[
        str | None, typer.Argument(help="Why, in a sentence; it is recorded with your login.")
    ] = None,
    account: Annotated[str | None, typer.Option("--account", help="Only this account.")] = None,
    flatten: Annotated[
        bool | None,
        typer.Option(
            "--flatten/--hold", help="Close the positions, or hold them; else as each account says."
        ),
    ] = None,
    cancel_exits: Annotated[
        bool, typer.Option("--cancel-exits", help="Cancel resting exits too, which are kept otherwise.")
    ] = False,
    at_broker: Annotated[
        bool,
        typer.Option("--at-broker", help="Cancel all at the broker's gateway itself, without a desk."),
    ] = False,
    host: Annotated[str, typer.Option("--host", help="Of the gateway, with --at-broker.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Of the gateway, with --at-broker.")] = 4002,
) -> None:
    """Allow no order from the next statement on, until somebody resumes trading with a reason.

    What was allowed and not sent is cancelled. The answer names what is open, and where no link is alive.
    To resume: select resume_trading('what was found'), in backdesk psql.

    With --at-broker, for when neither desk nor database can be reached: asks a gateway of Interactive Brokers
    to cancel every order, those placed by hand, too, and shows what is still open.
    """
    if at_broker:
        from runners.live import broker_stop

        if account is None:
            raise DeskError("--at-broker wants the account", hint="--account, as the broker has it")
        if not broker_stop.run(host, port, account):
            raise typer.Exit(1)
        return
    if reason is None:
        raise DeskError("a stop needs a reason", hint="backdesk stop 'what happened'")
    exits = "cancel" if cancel_exits else "keep"
    with connect("director", settings=Settings.from_environment()) as director:
        row = director.execute(STOP, (reason, account, flatten, exits)).fetchone()
    assert row is not None
    print(row[0])
