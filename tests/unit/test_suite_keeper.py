"""However a suite ends, nothing that it started is left, and its processor time is known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testing.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the means")

ROOT = Path(__file__).resolve().parents[2]
# The two that it starts have left their parent and its session, as a server does.
SUITE = """
import os, subprocess, sys, time
from pathlib import Path
from tests import suite_keeper

suite_keeper.PATIENCE_SECONDS = 0.5
folder = Path(sys.argv[2])
folder.mkdir()
code = suite_keeper.enter(folder)
if code is None:
    busy = "sum(range(10_000_000))"
    stubborn = f"import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); {busy}; time.sleep(300)"
    script = 'setsid "$0" -c "$1" >&2 & echo $!; setsid sleep 300 >&2 & echo $!'
    words = ["sh", "-c", script, sys.executable, stubborn]
    started = subprocess.run(words, stdout=subprocess.PIPE, text=True)
    before = suite_keeper.processor_seconds()
    while suite_keeper.processor_seconds() < before + 0.1:
        time.sleep(0.05)
    print(os.getpid(), *started.stdout.split(), flush=True)
    time.sleep(float(sys.argv[1]))
    code = 3
sys.exit(code)
"""


def begun(folder: Path, seconds: float) -> tuple[subprocess.Popen[str], list[int]]:
    """A suite, and the processes of the tests and of what they started."""
    suite = subprocess.Popen(
        [sys.executable, "-c", SUITE, str(seconds), str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # So that a signal's end is that of the suite alone, as when it comes from outside.
        start_new_session=True,
    )
    assert suite.stdout is not None
    return suite, [int(word) for word in suite.stdout.readline().split()]


def ended(folder: Path, pids: list[int]) -> bool:
    return not folder.exists() and not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_suite_that_ends_leaves_nothing_and_keeps_its_exit_code(tmp_path: Path) -> None:
    suite, pids = begun(tmp_path / "suite", 0)
    assert suite.wait(30) == 3
    assert len(pids) == 3
    assert ended(tmp_path / "suite", pids)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_suite_whose_first_process_is_ended_leaves_nothing(tmp_path: Path, end: signal.Signals) -> None:
    suite, pids = begun(tmp_path / "suite", 300)
    suite.send_signal(end)
    suite.wait(30)
    until(lambda: ended(tmp_path / "suite", pids), seconds=30)


def test_tests_that_are_killed_leave_nothing(tmp_path: Path) -> None:
    suite, pids = begun(tmp_path / "suite", 300)
    os.kill(pids[0], signal.SIGKILL)
    assert suite.wait(30) == 128 + signal.SIGKILL
    assert ended(tmp_path / "suite", pids)
