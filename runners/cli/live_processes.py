"""`backdesk live up`, `stop`, `restart`, `logs`: the processes of trading, under one supervisor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from runners.database.connection import connect
from runners.errors import DeskError
from runners.settings import Settings

DESIRED = """
select name, wanted, held_because from desk.desired_processes
order by kind, trading_session_id, name
"""
Name = Annotated[str | None, typer.Argument(help="Such as session-1 or link-PAPER.", show_default=False)]


def register(live: typer.Typer) -> None:
    live.command("up", short_help="Keep links and strategies running that should run.")(up)
    live.command("stop", short_help="End the processes; positions and orders stay.")(stop)
    live.command("restart", short_help="End a process, or all, and have it started again.")(restart)
    live.command("logs", short_help="The end of a process's log.")(logs)


def up(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Supervise here, until Ctrl-C; for systemd and containers.")
    ] = False,
) -> None:
    """Start the supervisor, which keeps running what the desk says should run (desired_processes).

    A process that ends is started again, at once and then ever later; one that ends ten times in a row is
    given up, with an alarm. Killed itself, it finds at its next start what still runs.
    """
    from runners.live import supervisor
    from runners.live.slots import Slot

    settings = Settings.from_environment()
    with connect("director", settings=settings) as director:
        director.execute("select 1")
    slot = Slot(supervisor.folder_of(settings), supervisor.SUPERVISOR)
    environment = os.environ | {"BACKDESK_HOME": str(settings.home), "PYTHONUNBUFFERED": "1"}
    if foreground:
        os.environ.update(environment)
        supervisor.main()
        return
    started = slot.start(supervisor.command(), environment)
    if started is None:
        print(f"the supervisor runs already: process {slot.pid()}, {slot.log}")
        return
    print(f"supervisor: process {started.pid}, {slot.log}")
    for line in lines(settings, wait=5.0):
        print(line)


def stop() -> None:
    """End the supervisor and all that it runs: strategies first, then links.

    Orders that rest at a broker and positions stay as they are; `backdesk stop 'why'` is what stops trading.
    """
    from runners.live import supervisor
    from runners.live.slots import Slot

    slot = Slot(supervisor.folder_of(Settings.from_environment()), supervisor.SUPERVISOR)
    if slot.signal(signal.SIGTERM) is None:
        raise DeskError("no supervisor runs", hint="backdesk live up starts one")
    until = time.monotonic() + 3 * supervisor.END_SECONDS
    while (pid := slot.pid()) is not None:
        if time.monotonic() > until:
            raise DeskError(f"the supervisor, process {pid}, does not end", hint=f"see {slot.log}")
        time.sleep(0.1)
    print("all processes of trading have ended")


def restart(name: Name = None) -> None:
    """End a process, or all of them, and have the supervisor start it again; what was given up, too."""
    from runners.live import supervisor
    from runners.live.slots import Slot

    folder = supervisor.folder_of(Settings.from_environment())
    watching = Slot(folder, supervisor.SUPERVISOR)
    if watching.pid() is None:
        raise DeskError("no supervisor runs", hint="backdesk live up starts one")
    names = [name] if name else [one for one, wanted, _ in _desired() if wanted]
    for one in names:
        pid = Slot(folder, one).signal(signal.SIGTERM)
        print(f"{one}: " + ("does not run" if pid is None else f"process {pid} ends"))
    # It forgets what it has given up.
    watching.signal(signal.SIGHUP)


def logs(
    name: Name = None,
    lines_: Annotated[int, typer.Option("--lines", "-n", min=1, help="So many lines.")] = 40,
) -> None:
    """Print the end of a process's log, or of the supervisor's."""
    from runners.live import supervisor
    from runners.live.slots import Slot

    slot = Slot(supervisor.folder_of(Settings.from_environment()), name or supervisor.SUPERVISOR)
    if not slot.log.exists():
        known = ", ".join(sorted(one.stem for one in slot.folder.glob("*.log"))) or "none"
        raise DeskError(f"there is no log of {slot.name}", hint=f"there are: {known}")
    for line in slot.log.read_text(errors="replace").splitlines()[-lines_:]:
        print(line)


def lines(settings: Settings, wait: float = 0.0) -> Iterator[str]:
    """A line a process that should run: whether it does. Waits so many seconds for those that begin."""
    from runners.live import supervisor
    from runners.live.slots import Slot

    until = time.monotonic() + wait
    for name, wanted, why in _desired():
        slot = Slot(supervisor.folder_of(settings), name)
        while wanted and slot.pid() is None and time.monotonic() < until:
            time.sleep(0.1)
        pid = slot.pid()
        state = "does not run" if pid is None else f"process {pid}"
        yield f"{name}: {state}" + ("" if wanted else f"; not to run: {why}")


def _desired() -> list[tuple[str, bool, str | None]]:
    with connect("viewer", settings=Settings.from_environment()) as viewer:
        return viewer.execute(DESIRED.encode()).fetchall()
