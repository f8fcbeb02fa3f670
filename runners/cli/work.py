"""`backdesk work`: a runner that claims backtests, executes and records them."""

from __future__ import annotations

import gc
import os
import platform
import socket

import typer

from runners import __version__
from runners.settings import Settings

CONNECT_SECONDS = 10


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
    settings = Settings.from_environment()
    number = processes or _processors()

    # The zygote takes longest, so that it is started before everything else is imported.
    from runners.worker.zygote_client import ZygoteClient

    started = ZygoteClient()

    from runners.database.connection import connect
    from runners.tasks.registry import capabilities
    from runners.worker.loop import Loop
    from runners.worker.patience import PatientConnection
    from runners.worker.queue import Runner

    # What is imported stays, so that no collection, the interpreter's last among them, needs to look at it.
    gc.freeze()

    def describe(zygote: ZygoteClient) -> Runner:
        return Runner(
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            engines=(*zygote.ready.engines, *capabilities(dbt=dbt)),
            processes=number,
            platform=f"{platform.system()} {platform.machine()} Python {platform.python_version()}",
            runs_dbt=dbt,
            strategies=zygote.ready.strategies,
        )

    loop = Loop(
        lambda: connect(
            "runner",
            settings=settings,
            application_name="backdesk work",
            kind=PatientConnection,
            connect_timeout=CONNECT_SECONDS,
        ),
        describe,
        processes=number,
        drain=drain,
        stock=stock,
        zygote=started,
    )
    raise typer.Exit(loop.run())


def _processors() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
