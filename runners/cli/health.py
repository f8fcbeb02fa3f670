"""`backdesk health`: one yes or no for a container's health check."""

from __future__ import annotations

import socket

import typer

from runners.database.connection import connect
from runners.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("health", short_help="Succeed where this host's runner is alive; for health checks.")(health)


def health() -> None:
    """Succeed where a runner of this host has been heard of within a lease, as PostgreSQL sees it."""
    settings = Settings.from_environment()
    host = socket.gethostname()
    with connect("runner", settings=settings) as runner:
        alive = runner.execute("select desk.host_is_alive(%s)", [host]).fetchone() == (True,)
    print(f"the runner of {host} is {'alive' if alive else 'not heard of'}")
    raise typer.Exit(0 if alive else 1)
