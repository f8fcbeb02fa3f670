"""How a root user runs PostgreSQL, which refuses to run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from runners.errors import DeskError

NOBODY = 65534

# A user namespace in which root appears as nobody: files stay root's, nothing is chowned.
_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}")

# Where namespaces are forbidden (many containers): truly nobody, but able to read below 0700 folders.
_CAPABILITY = (
    "setpriv",
    "--securebits=+no_setuid_fixup",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
)


class RootRefused(DeskError):
    """PostgreSQL cannot be run by this root user."""


@cache
def prefix() -> tuple[str, ...]:
    """Words to put before a PostgreSQL command; none for an ordinary user."""
    if os.geteuid() != 0:
        return ()
    for words in (_NAMESPACE, _CAPABILITY):
        if shutil.which(words[0]) and _works(words):
            return words
    raise RootRefused(
        "PostgreSQL does not run as root, and neither a user namespace nor setpriv is allowed here",
        hint="run the desk as an ordinary user, or set DATABASE_URL to a server that already runs",
    )


def hand_over(data: Path) -> None:
    """Gives the data folder to the user that `prefix` runs the server as."""
    words = prefix()
    if not words:
        return
    owner = NOBODY if words == _CAPABILITY else 0
    for folder, folders, files in os.walk(data):
        for name in (".", *folders, *files):
            path = Path(folder, name)
            if path.lstat().st_uid != owner:
                os.chown(path, owner, owner, follow_symlinks=False)


def _works(words: tuple[str, ...]) -> bool:
    return subprocess.run([*words, "true"], capture_output=True, cwd="/").returncode == 0
