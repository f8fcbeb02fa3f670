"""Files of this installation's strategies: have they been changed, and are they what a version was made of?

Nothing of them is imported, so that it can be asked often and by processes that run no strategy.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from backdesk.project import ProjectError, strategies_folder
from strategies.code_hash import OWN_ROOT
from strategies.user_package import USER_PACKAGE, own_name

_SOURCES = (".py", ".cs", ".json", ".ipynb", ".csv")
_LEFT_OUT = frozenset({"backtests", "optimizations", "live", "storage", "__pycache__"})
_SHARE = 20
"""Looking takes a twentieth of the time at the most, however many files there are."""


class OwnFiles:
    """Says once of every change that the files have been changed since it was made, or said so last."""

    def __init__(self, folder: Path | None = None) -> None:
        self._roots = [OWN_ROOT, *filter(None, [folder or _users_folder()])]
        self._seen = self._stamps()
        self._not_before = 0.0

    def changed(self) -> bool:
        begun = time.monotonic()
        if begun < self._not_before:
            return False
        stamps = self._stamps()
        now = time.monotonic()
        self._not_before = now + _SHARE * (now - begun)
        seen, self._seen = self._seen, stamps
        return stamps != seen

    def _stamps(self) -> dict[str, tuple[int, ...]]:
        """What a file system changes with a file, by path."""
        return {path: stamp for root in self._roots for path, stamp in _stamped(str(root))}


def _users_folder() -> Path | None:
    try:
        return strategies_folder()
    except ProjectError:
        # Whoever imports the strategies says so.
        return None


def _stamped(folder: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    if entry.name not in _LEFT_OUT and not entry.name.startswith("."):
                        yield from _stamped(entry.path)
                elif entry.name.endswith(_SOURCES):
                    stat = entry.stat()
                    yield entry.path, (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
    except FileNotFoundError:
        return


def unchanged(files: Mapping[str, str], folder: Path | None = None) -> list[Path] | None:
    """Paths here of a version's files, given by module and SHA-256; None where one is not as it was.

    Empty where this installation has none of the user's files among them.
    """
    folder = folder or _users_folder()
    own = [name for name in files if name.partition(".")[0] != "strategies"]
    paths = {name: _path(name, folder) for name in files}
    if own and not any(paths[name] for name in own):
        return []
    if any(path is None or _digest(path) != files[name] for name, path in paths.items()):
        return None
    return [path for path in paths.values() if path is not None]


def _path(module: str, folder: Path | None) -> Path | None:
    top, *rest = module.split(".")
    if top == "strategies":
        root = OWN_ROOT
    elif folder is not None and top in (USER_PACKAGE, own_name(folder)):
        root = folder
    else:
        return None
    stem = root.joinpath(*rest)
    return _first(([stem.with_suffix(".py")] if rest else []) + [stem / "__init__.py"])


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
