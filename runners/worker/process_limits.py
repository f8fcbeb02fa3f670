"""What Linux lets a process do to itself and see of others; elsewhere these do nothing."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from pathlib import Path

PR_SET_PDEATHSIG = 1
MEGABYTE = 1024 * 1024
PAGE = os.sysconf("SC_PAGE_SIZE")


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when process `parent`, its parent, dies."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    except (AttributeError, OSError):
        return
    # The parent may have died before the call.
    if os.getppid() != parent:
        os._exit(1)


def limit_memory(megabytes: float) -> None:
    """Let this process allocate at most so much beyond what it has now; more raises MemoryError."""
    try:
        status = Path("/proc/self/status").read_text()
        kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:"))
    except (OSError, StopIteration):
        return
    limit = kilobytes * 1024 + int(megabytes * MEGABYTE)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def no_core_dumps() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def private_megabytes(pid: int) -> float | None:
    """Memory that only this process has, in megabytes; None when it is gone or the system does not tell.

    Shared pages, such as the prices that all children inherit, do not count.
    """
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    kilobytes = 0
    for line in rollup.splitlines():
        name, _, value = line.partition(":")
        if name in ("Private_Clean", "Private_Dirty", "Private_Hugetlb", "SwapPss"):
            kilobytes += int(value.split()[0])
    return kilobytes / 1024


def resident_megabytes(pid: int) -> float:
    """Memory of a process with all that it shares, in megabytes; 0 when it is gone.

    Never less than private_megabytes(), but for what is swapped out, and told in a fiftieth of the time.
    """
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0.0
    return int(pages) * PAGE / MEGABYTE
