"""Whether LEAN can be used here, found out by running it: its presence on PATH proves nothing.

The command line does not start without a file that it downloads on its first day, and it starts without
docker only to say that it needs docker.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runners.engines.lean.documents import text
from runners.engines.lean.settings import LeanSettings

SECONDS = 30.0


@dataclass(frozen=True)
class LeanUse:
    """What was found; `problem` is empty where LEAN can be used, `hint` says what to do about it."""

    version: str = ""
    problem: str = ""
    hint: str = ""

    @property
    def usable(self) -> bool:
        return not self.problem

    def __str__(self) -> str:
        return f"LEAN: {self.version}, docker answers" if self.usable else f"LEAN: not usable: {self.problem}"


def check(settings: LeanSettings | None = None) -> LeanUse:
    """Runs `lean --version` and `docker version`; seldom takes more than a second."""
    settings = settings or LeanSettings.from_environment()
    if shutil.which(settings.command) is None:
        return LeanUse(
            problem=f"there is no command {settings.command}", hint="pip install lean; or set BACKDESK_LEAN"
        )
    with tempfile.TemporaryDirectory(prefix="lean-") as home:
        variables = settings.variables(Path(home))
        code, said = _run([settings.command, "--version"], variables)
        if code != 0:
            hint = "it needs the network the first time that it runs" if "odules json" in said else ""
            return LeanUse(problem=_last_line(said) or f"it ended with exit code {code}", hint=hint)
        version = _last_line(said)
        code, said = _run([settings.docker, "version", "--format", "{{.Server.Version}}"], variables)
    if code != 0:
        return LeanUse(
            version,
            f"docker does not answer: {_last_line(said) or 'no such command'}",
            "install and start docker",
        )
    return LeanUse(version)


def _run(command: list[str], variables: dict[str, str]) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
        )
    except OSError as error:
        return 127, error.strerror or str(error)
    except subprocess.TimeoutExpired:
        return 124, f"no answer within {SECONDS:.0f} s"
    return done.returncode, text(done.stdout.decode("utf-8", "replace"), 64_000)


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
