"""A short, private folder for the embedded server's socket.

The path of a Unix socket may have 107 bytes at most, the folder's about 93, so it never depends on how
long the desk's home is.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from runners.errors import DeskError

LONGEST = 93


class SocketFolderError(DeskError):
    """There is no place where the server's socket may safely lie."""


def to_use(data: Path) -> Path:
    """The folder that a server on this data folder gets."""
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
    name = f"backdesk-{os.geteuid()}-{digest}"
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if parent and os.access(parent, os.W_OK | os.X_OK):
            folder = Path(parent).absolute() / name
            if len(os.fsencode(folder)) <= LONGEST:
                return folder
    raise SocketFolderError(
        "no folder for the server's socket: the temporary folder's path is too long or not writable",
        hint="set TMPDIR to a short path that you may write to",
    )


def create(folder: Path) -> None:
    """Makes the folder, and refuses one that somebody else made or can look into."""
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise SocketFolderError(
            f"the socket folder {folder} is not private to this user", hint=f"remove it: rm -r {folder}"
        )
