"""A read-only copy, named by its hash, of every file that a session's strategy runs from.

Neither an edit in the folder of one's strategies nor an upgrade of the desk changes a session that is open.
The copy holds the files that the strategy's code version consists of, and the desk's own code that runs it.
What it does not hold are Python and the libraries.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import backdesk.project
import runners
import strategies
from backdesk.project import strategies_folder
from runners.errors import DeskError
from strategies.own_files import unchanged
from strategies.user_package import own_name

MANIFEST = "manifest.json"
OWN = "own"
PACKAGES = (backdesk, runners, strategies)


class CodeChanged(DeskError):
    """The files here are not those of the code version, or a copy is not what it was."""


@dataclass(frozen=True)
class CodeCopy:
    """`folder` is to be on a child's path; `own` has the user's files, where there are any."""

    name: str
    folder: Path

    @property
    def own(self) -> Path | None:
        found = sorted((self.folder / OWN).glob("*"))
        return found[0] if found else None


def copy_code(home: Path, strategy: str, files: Mapping[str, str]) -> CodeCopy:
    """Copies what a version is made of, given by module and SHA-256; CodeChanged where it is not here."""
    paths = unchanged(files)
    if not paths:
        raise CodeChanged(
            f"the files of {strategy} here are not those of the code that is to trade",
            hint="check that version out, or start from a result of the code that is here"
            if paths is None
            else "start it where the files of the strategy are: its project, or BACKDESK_STRATEGIES",
        )
    wanted = dict(_desk_files()) | dict(_own_files(paths))
    manifest = {name: _digest(path) for name, path in sorted(wanted.items())}
    text = json.dumps(manifest, indent=0)
    name = hashlib.sha256(text.encode()).hexdigest()
    place = home / "code" / name
    if place.is_dir():
        return checked(home, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".", dir=place.parent))
    try:
        for file, path in wanted.items():
            (made / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, made / file)
        (made / MANIFEST).write_text(text, encoding="utf-8")
        _make_read_only(made)
        made.rename(place)
    except OSError:
        _remove(made)
        # Another start of this moment may have made the same.
        if not place.is_dir():
            raise
    return checked(home, name)


def checked(home: Path, name: str) -> CodeCopy:
    """The copy of that name, every file of which is what it was; CodeChanged names the first that is not."""
    folder = home / "code" / name
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except OSError as error:
        raise CodeChanged(
            f"the copy of the session's code is not at {folder}",
            hint="it lies under the home of the desk on which the session was started (BACKDESK_HOME)",
        ) from error
    same = hashlib.sha256(text.encode()).hexdigest() == name
    for file, digest in json.loads(text).items() if same else ():
        if not (folder / file).is_file() or _digest(folder / file) != digest:
            same = False
            break
    else:
        file = MANIFEST
    if not same:
        raise CodeChanged(
            f"{folder / file} was changed after the session had started",
            hint="bring it back from a backup, or end the session and start another",
        )
    return CodeCopy(name, folder)


def _desk_files() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            yield f"{root.name}/{path.relative_to(root)}", path


def _own_files(paths: list[Path]) -> Iterator[tuple[str, Path]]:
    """The user's, below the name by which they import each other."""
    folder = strategies_folder()
    if folder is None:
        return
    name = own_name(folder) or "strategies"
    for path in paths:
        if path.is_relative_to(folder):
            yield f"{OWN}/{name}/{path.relative_to(folder)}", path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _make_read_only(folder: Path) -> None:
    for parent, _, files in os.walk(folder, topdown=False):
        for file in files:
            (Path(parent) / file).chmod(0o444)
        Path(parent).chmod(0o555)
    # A folder that cannot be written to cannot be renamed everywhere.
    folder.chmod(0o755)


def _remove(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
