"""Runs one `lean` command to its end, or to the end of its time, and says what became of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runners.engines.lean import supervisor
from runners.engines.lean.documents import text
from runners.engines.lean.workspace import Workspace

STOP_SECONDS = 90.0
OUTPUT_BYTES = 64 << 10
_SUPERVISOR = str(Path(supervisor.__file__).resolve())
_ITS_OWN_FAULT = re.compile(
    r"no such option|invalid value|missing (?:option|argument)|missing the following option|"
    r"does not contain a main|mutually exclusive|not a valid path|got unexpected extra argument",
    re.I,
)


@dataclass(frozen=True)
class LeanEnd:
    """How a call ended. LEAN's exit code says little, so results are judged by their files."""

    exit_code: int
    output: str
    out_of_time: bool = False

    @property
    def error(self) -> str:
        """LEAN's own message; all of its texts go to standard output."""
        if self.out_of_time:
            return "`lean` did not end in time and was stopped"
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        for number, line in enumerate(lines):
            if line.startswith("Error:"):
                return " ".join(lines[number : number + 3]).removeprefix("Error: ")
        return lines[-1] if lines else f"`lean` ended with exit code {self.exit_code} and said nothing"

    @property
    def may_work_another_time(self) -> bool:
        """False of a call that is wrong in itself; docker, the network and the disk have better days."""
        return self.out_of_time or _ITS_OWN_FAULT.search(self.output) is None


def run_lean(
    arguments: Sequence[str], workspace: Workspace, name: str, seconds: float | None = None
) -> LeanEnd:
    """Run `lean` with these words; `name` is that of its results folder, `seconds` its time."""
    output = workspace.root / f"{name}.out"
    order = {
        "command": [workspace.settings.command, *arguments],
        "folder": str(workspace.root),
        "results": str(workspace.results(name)),
        "output": str(output),
        "docker": workspace.settings.docker,
    }
    process = subprocess.Popen(
        [sys.executable, "-I", _SUPERVISOR, json.dumps(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=workspace.variables,
        start_new_session=True,
        pass_fds=(workspace.lock,),
    )
    assert process.stdin is not None
    out_of_time = False
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        out_of_time = True
    finally:
        # Closing it makes the supervisor stop `lean` and its container, however this code is left.
        process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    return LeanEnd(process.returncode if process.returncode is not None else 137, _tail(output), out_of_time)


def _tail(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - OUTPUT_BYTES))
            return text(opened.read().decode("utf-8", "replace"), OUTPUT_BYTES)
    except OSError:
        return ""
