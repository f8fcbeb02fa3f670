"""The files of `db/` in the order in which they are applied; `db/README.md` says how to write one.

A room is a folder. In it are tables of the baseline (`tables.sql`, `..._tables.sql`), migrations that came
after (`V0022__what_it_does.sql`) and topic files (functions, views, triggers, seeds, grants: all others).
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from backdesk.data import folder as data_folder
from runners.errors import DeskError

FOLDER = data_folder("db")

_MIGRATION = re.compile(r"V(\d{4})__[a-z0-9_]+\.sql")
_LIKE_A_MIGRATION = re.compile(r"[Vv]?\d")


class MigrationError(DeskError):
    """The database could not be brought to this code's schema; what was applied before is kept."""


@dataclass(frozen=True)
class SchemaFile:
    """A file with its place below the folder (`queue/claims.sql`), its text, and the SHA-256 of that."""

    path: Path
    name: str
    text: str

    @property
    def sha256(self) -> str:
        return _sha256(self.text)


@dataclass(frozen=True)
class Baseline:
    """The tables that every desk begins with, and the version that they are.

    `folded_sha256` is the digest of the migrations that led to the same tables before; `commit` has them.
    """

    version: int
    files: tuple[SchemaFile, ...]
    folded_sha256: str
    commit: str

    @property
    def name(self) -> str:
        return f"V{self.version:04}__baseline"

    @property
    def sha256(self) -> str:
        return _sha256("".join(file.text for file in self.files))


@dataclass(frozen=True)
class Schema:
    """All that makes a database this code's desk."""

    history: SchemaFile
    baseline: Baseline | None
    migrations: tuple[SchemaFile, ...]
    topics: tuple[SchemaFile, ...]

    @property
    def first_version(self) -> int:
        """The least version that this code can bring up to date; 0 is a database without a desk."""
        return self.baseline.version if self.baseline else 0

    @property
    def version(self) -> int:
        return self.first_version + len(self.migrations)

    @property
    def topic_hashes(self) -> dict[str, str]:
        """Name and hash of every topic file, as `desk.schema_topics` remembers those in force."""
        return {file.name: file.sha256 for file in self.topics}


def read_schema(folder: Path = FOLDER) -> Schema:
    """Reads the folder. Raises MigrationError for a gap in the numbers or an order that names no file."""
    ordered = list(_in_order(folder))
    tables = tuple(file for file in ordered if file.path.stem.endswith("tables"))
    numbered = [file for file in ordered if _LIKE_A_MIGRATION.match(file.path.name)]
    topics = tuple(file for file in ordered if file not in tables and file not in numbered)
    baseline = _baseline(folder / "baseline.toml", tables)
    first = baseline.version if baseline else 0
    return Schema(_read(FOLDER, FOLDER / "history.sql"), baseline, _counted(numbered, first), topics)


def digest(hashes: Iterable[str]) -> str:
    """SHA-256 over the hashes of files in their order."""
    return _sha256("\n".join(hashes))


def _baseline(description: Path, tables: tuple[SchemaFile, ...]) -> Baseline | None:
    if not description.exists():
        if tables:
            raise MigrationError(
                f"{tables[0].path} is a table of a baseline, and there is no {description}",
                hint="put new tables into a migration, named like V0007__what_it_does.sql",
            )
        return None
    said = tomllib.loads(description.read_text(encoding="utf-8"))
    folded = said["folded"]
    return Baseline(said["version"], tables, folded["sha256"], folded["commit"])


def _in_order(folder: Path) -> Iterable[SchemaFile]:
    """Every file of a room once: those of `order.txt` first, then the rest by path."""
    there = {path.relative_to(folder).as_posix(): path for path in sorted(folder.glob("*/*.sql"))}
    order = folder / "order.txt"
    lines = order.read_text(encoding="utf-8").splitlines() if order.exists() else []
    for line in (line.strip() for line in lines):
        if line and not line.startswith("#"):
            if line not in there:
                raise MigrationError(
                    f"{order} names {line}, which is not there, or is named twice",
                    hint="take the line out, or give the file its name again",
                )
            yield _read(folder, there.pop(line))
    for path in there.values():
        yield _read(folder, path)


def _counted(files: list[SchemaFile], after: int) -> tuple[SchemaFile, ...]:
    """The migrations by number, whatever room they are in: each number once, none missing."""
    files = sorted(files, key=lambda file: (file.path.name, file.name))
    for expected, file in enumerate(files, start=after + 1):
        match = _MIGRATION.fullmatch(file.path.name)
        if match is None:
            raise MigrationError(
                f"{file.path} is not named like a migration",
                hint=f"name it like V{after + len(files):04}__what_it_does.sql",
            )
        if (number := int(match[1])) != expected:
            what = f"comes where V{expected:04} is missing"
            if number < expected:
                what = "is there twice" if number > after else "is older than the baseline"
            raise MigrationError(
                f"{file.path}: number {number} {what}",
                hint=f"migrations of all rooms count {after + 1}, {after + 2}, ...",
            )
    return tuple(files)


def _read(folder: Path, path: Path) -> SchemaFile:
    # Line ends do not count: a checkout on another system must not look like an edit.
    text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    return SchemaFile(path, path.relative_to(folder).as_posix(), text)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
