"""How the kernel is compiled: once, into the desk's home, for this processor and these sources.

numba is an extra (`pip install 'backdesk[bulk]'`); where it is not installed nothing here is imported.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import numba

from runners.settings import Settings

SOURCES = ("broker.py", "compiling.py", "exact_sums.py", "figures.py", "kernel.py")
RULES = Path(__file__).parents[3] / "strategies" / "signal_rules.py"
# Not fastmath, and no fused operations: the order of Python's own arithmetic is kept.
OPTIONS: dict[str, Any] = {"fastmath": False, "nogil": True, "error_model": "numpy"}


def version() -> str:
    """Names what the kernel is made of: its sources, numba, Python."""
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for source in (*(Path(__file__).with_name(name) for name in SOURCES), RULES):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(home: Path) -> Path | None:
    """Where the compiled kernel is kept, made if need be; None where nothing can be written there."""
    folder = home / "kernel" / version()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


FOLDER = cache_folder(Settings.from_environment().home)
if FOLDER is not None:
    # numba keeps them by processor as well, and takes none of another kind's.
    numba.config.CACHE_DIR = str(FOLDER)


def jit(function: Any) -> Any:
    """Compiled as part of an `entry` that calls it."""
    return numba.njit(**OPTIONS)(function)


def inlined(function: Any) -> Any:
    return numba.njit(**OPTIONS)(function)


def entry(signature: str) -> Any:
    """Compiled at once, or taken from the folder. The signature is stated, so that no call compiles anew."""
    if FOLDER is None:
        _say("nothing can be kept in the desk's home, so the kernel of signals is compiled at each start")
    elif not any(FOLDER.rglob("*.nbc")):
        _say(f"compiling the kernel of signals into {FOLDER}, once for this version")
    return numba.njit(signature, cache=FOLDER is not None, **OPTIONS)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
