"""Ends whatever a suite has started, however the suite itself ends, and knows what all of it has cost.

Servers leave their parent, and a killed pytest stops none. So three processes run a suite: the one that was
started only waits; below it the keeper, to whom Linux gives every process that loses its parent; below the
keeper the tests. When the tests end, or whoever was started, the keeper ends what is left.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PATIENCE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_FORWARDED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_keeper: int | None = None


def enter(folder: Path) -> int | None:
    """None in the process that runs the tests; their exit code in the one that was started, once all is over.

    The folder goes last. Elsewhere than on Linux there is no keeper, and this process runs the tests itself.
    """
    if not sys.platform.startswith("linux"):
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return None
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*_FORWARDED, signal.SIGCHLD})
    keeper = os.fork()
    if keeper:
        code = _exit_code(keeper, _wait(keeper))
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return code
    _set(_PR_SET_CHILD_SUBREAPER, 1)
    _die_with(os.getppid(), signal.SIGTERM)
    tests = os.fork()
    if tests:
        code = _exit_code(tests, _wait(tests))
        left = _end_the_rest()
        shutil.rmtree(folder, ignore_errors=True)
        if left and code in (0, 1):
            print(f"Left running by the tests, and ended: {', '.join(left)}", file=sys.stderr, flush=True)
        os._exit(code)
    global _keeper
    _keeper = os.getppid()
    _die_with(_keeper, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return None


def processor_seconds() -> float:
    """What the tests and all that they started have used so far, servers included where there is a keeper."""
    if _keeper is None:
        used = os.times()
        return used.user + used.system + used.children_user + used.children_system
    ticks = _ticks(_keeper)[1] + sum(sum(_ticks(pid)) for pid in _below(_keeper))
    return ticks / os.sysconf("SC_CLK_TCK")


def _wait(child: int) -> int:
    """The child's wait status. A signal sent to this process reaches the child; a terminal's already has."""
    while True:
        signalled = signal.sigwaitinfo({*_FORWARDED, signal.SIGCHLD})
        if signalled.si_signo != signal.SIGCHLD:
            if signalled.si_code <= 0:
                os.kill(child, signalled.si_signo)
            continue
        for pid, status in _ended():
            if pid == child:
                return status


def _ended() -> Iterator[tuple[int, int]]:
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            yield found
    except ChildProcessError:
        return


def _end_the_rest() -> list[str]:
    """Asks all that is left to end, as Ctrl-C does, then kills it. What they have started arrives later."""
    asked: dict[int, str] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        for _ in _ended():
            pass
        children = [pid for pid in _processes() if _parent(pid) == os.getpid()]
        if not children:
            return list(asked.values())
        for pid in children:
            late = time.monotonic() > deadline
            if late or pid not in asked:
                asked.setdefault(pid, _name(pid))
                os.kill(pid, signal.SIGKILL if late else signal.SIGINT)
        time.sleep(0.05)


def _below(pid: int) -> list[int]:
    """All descendants."""
    children = defaultdict(list)
    for one in _processes():
        children[_parent(one)].append(one)
    found = list(children[pid])
    for one in found:
        found += children[one]
    return found


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int:
    words = _stat(pid)
    return int(words[1]) if words else 0


def _ticks(pid: int) -> tuple[int, int]:
    """What a process has used itself, and what its children had that have ended."""
    words = _stat(pid)
    return (int(words[11]) + int(words[12]), int(words[13]) + int(words[14])) if words else (0, 0)


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; none once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return str(pid)
    return words.decode(errors="replace").strip()[:60] or str(pid)


def _exit_code(pid: int, status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _set(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _die_with(parent: int, by: signal.Signals) -> None:
    """This process gets the signal when that parent ends."""
    _set(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os.kill(os.getpid(), by)
