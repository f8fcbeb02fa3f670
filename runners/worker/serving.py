"""A runner from its first process to its last word."""

from __future__ import annotations

import gc
import os
import platform
import socket
from collections.abc import Callable

from runners import __version__
from runners.settings import Settings
from runners.worker.zygote_client import ZygoteClient
from strategies.own_files import OwnFiles

CONNECT_SECONDS = 10


def serve(
    processes: int,
    *,
    drain: bool = False,
    stock: bool = False,
    dbt: bool = False,
    wanted: Callable[[], bool] = lambda: True,
) -> int:
    """Work until there is nothing left or somebody stops it; returns the exit code.

    `processes` backtests at a time, 0 is one a processor. `wanted` is asked once everything is ready and may
    wait; where it answers no, nothing is connected to.
    """
    settings = Settings.from_environment()
    number = processes or _processors()
    # What is changed from here on may not be what the zygote imports.
    files = OwnFiles()
    # It takes longest, so that it is started before everything else is imported.
    zygote = ZygoteClient()

    from runners.database.connection import connect
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
            engines=tuple(zygote.ready.engines),
            processes=number,
            platform=f"{platform.system()} {platform.machine()} Python {platform.python_version()}",
            runs_dbt=dbt,
            strategies=zygote.ready.strategies,
            broken=zygote.ready.broken,
        )

    if not wanted():
        zygote.close()
        return 0
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
        zygote=zygote,
        files=files,
    )
    return loop.run()


def _processors() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
