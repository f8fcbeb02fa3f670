"""CPU time of processes by /proc, which tells that of children once they have ended and been waited for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Times:
    """Seconds, in user mode and in the kernel."""

    own: float
    children: float


def of(pid: int) -> Times:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, kernel, children_user, children_kernel = map(int, fields[11:15])
    return Times((user + kernel) / TICKS, (children_user + children_kernel) / TICKS)


def children(pid: int) -> list[int]:
    """Those that the process's main thread has started and that live."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def of_server(admin: psycopg.Connection[Any], without: Iterable[int] = ()) -> float:
    """Seconds of every process that the server of a connection has or had, but that connection's own."""
    backend = admin.info.backend_pid
    postmaster = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
    left_out = {backend, *without}
    times = of(postmaster)
    total = times.own + times.children
    for child in children(postmaster):
        if child not in left_out:
            # One that has just ended is among the postmaster's children the next time.
            with suppress(OSError):
                total += of(child).own
    return total
