"""What a suite has cost, said at its end; nothing is asserted by a clock. CONTRIBUTING.md has the budget."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import PurePosixPath

import pytest
from _pytest.terminal import TerminalReporter

from tests import suite_keeper

SLOWEST = 20
WALL_SECONDS = 660
"""Of `make test` on two idle cores."""


class Budget:
    """Adds up the reports of all processes, set-up and tear-down included."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Of a part of the suite that lies in one folder there is nothing to say."""
        folders: defaultdict[str, list[float]] = defaultdict(list)
        for test, seconds in self.seconds.items():
            folders[str(PurePosixPath(test.partition("::")[0]).parent)].append(seconds)
        if len(folders) < 2:
            return
        write = terminalreporter.write_line
        terminalreporter.section("what the suite cost")
        for test, seconds in sorted(self.seconds.items(), key=lambda one: -one[1])[:SLOWEST]:
            write(f"{seconds:8.1f} s  {test}")
        for folder, each in sorted(folders.items(), key=lambda one: -sum(one[1])):
            write(f"{sum(each):8.1f} s  {folder}: {len(each)} tests")
        write(
            f"{time.monotonic() - self.began:8.1f} s  from first to last;"
            f" the budget of make test is {WALL_SECONDS} s on two idle cores"
        )
        used = suite_keeper.processor_seconds()
        write(f"{used:8.1f} s  of processor time, servers and other children included")
