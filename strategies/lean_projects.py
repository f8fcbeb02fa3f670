"""LEAN projects that this installation has: an allow-list by name, as for the strategies of this package.

A project is a folder with `main.py` (or `Main.cs`) and a `config.json`, whose `parameters` are what it takes.
An object `backdesk` in that file may say more: code, title, hypothesis, tags, and for each parameter its
type, bounds and description. LEAN ignores it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backdesk.project import strategies_folder
from strategies.parameters import Parameter, Value

ENGINE = "lean"
OWN = Path(__file__).resolve().parent / "lean"
_SOURCES = frozenset({".py", ".cs", ".json", ".ipynb", ".csv"})
_LEFT_OUT = frozenset({"backtests", "optimizations", "live", "storage", "__pycache__"})
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,62}$")
_PARAMETER = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
_TYPES: dict[str, type] = {"integer": int, "number": float, "boolean": bool, "text": str}


class LeanProjectError(Exception):
    """A LEAN project that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class LeanProject:
    """One project; `given` are its own parameters, texts as LEAN has them."""

    name: str
    folder: Path
    parameters: tuple[Parameter, ...]
    given: Mapping[str, str]
    about: Mapping[str, Any]

    def published(self) -> dict[str, object]:
        """What `publish_strategies` takes of it."""
        code_hash, files = code_version(self.folder)
        return {
            "name": self.name,
            "code": self.about.get("code"),
            "title": self.about.get("title") or self.name.replace("_", " "),
            "hypothesis": self.about.get("hypothesis", ""),
            "engine": ENGINE,
            "entry_point": self.name,
            "file": str(self.folder),
            "tags": list(self.about.get("tags", ())),
            "priority": self.about.get("priority", 0),
            "code_hash": code_hash,
            "code_details": {"files": files},
            "parameters": [parameter.published() for parameter in self.parameters],
        }


def lean_projects(folder: Path | None = None) -> dict[str, LeanProject]:
    """Every project by name: the library's, and those in the folder `lean` of the user's strategies."""
    return _listed(folder)[0]


def broken_projects(folder: Path | None = None) -> dict[Path, str]:
    """Folders of projects that cannot be used, and why."""
    return _listed(folder)[1]


def _listed(folder: Path | None) -> tuple[dict[str, LeanProject], dict[Path, str]]:
    if folder is None:
        folder = strategies_folder()
    found: dict[str, LeanProject] = {}
    faults: dict[Path, str] = {}
    for root in (OWN, folder / "lean" if folder is not None else None):
        if root is None or not root.is_dir():
            continue
        for place in sorted(root.iterdir()):
            if not any((place / main).is_file() for main in ("main.py", "Main.cs")):
                continue
            if place.name in found:
                first = found[place.name].folder
                faults[place] = f"two LEAN projects are named {place.name!r}: {first} and {place}"
                continue
            try:
                found[place.name] = _project(place)
            except LeanProjectError as error:
                faults[place] = str(error)
    return found, faults


def lean_project(name: str, folder: Path | None = None) -> LeanProject:
    """The project of that name; LeanProjectError where it is not on the list."""
    known, faults = _listed(folder)
    for place, fault in faults.items():
        if place.name == name and name not in known:
            raise LeanProjectError(fault)
    if name not in known:
        raise LeanProjectError(
            f"unknown LEAN project {name!r}; this runner has: {', '.join(known) or 'none'}"
        )
    return known[name]


def code_version(folder: Path) -> tuple[str, dict[str, str]]:
    """SHA-256 over a project's sources, without what LEAN writes into it, and the hash of each file."""
    files = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _SOURCES and not _LEFT_OUT & set(path.relative_to(folder).parts)
    }
    digest = hashlib.sha256("".join(f"{name} {value}\n" for name, value in files.items()).encode())
    return digest.hexdigest(), files


def _project(folder: Path) -> LeanProject:
    if not _NAME.match(folder.name):
        raise LeanProjectError(f"{folder}: a project's folder is its name: letters, digits and underscores")
    try:
        path = folder / "config.json"
        config = json.loads(path.read_text(encoding="utf-8-sig")) if path.is_file() else {}
        given = {str(name): str(value) for name, value in (config.get("parameters") or {}).items()}
        about = config.get("backdesk") or {}
        described = about.get("parameters") or {}
        parameters = tuple(
            _parameter(name, value, described.get(name) or {}) for name, value in given.items()
        )
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise LeanProjectError(f"{folder / 'config.json'} cannot be used: {error}") from error
    return LeanProject(folder.name, folder, parameters, given, about)


def _parameter(name: str, value: str, about: Mapping[str, Any]) -> Parameter:
    if not _PARAMETER.match(name):
        raise ValueError(
            f"parameter {name!r}: the desk takes letters, digits and underscores only; rename it"
        )
    kind = _TYPES[about["type"]] if "type" in about else _kind(value)
    default: Value = value
    if kind is bool:
        default = value.casefold() == "true"
    elif kind is not str:
        default = kind(value)
    return Parameter(
        name, kind, default, about.get("minimum"), about.get("maximum"), str(about.get("description", ""))
    )


def _kind(value: str) -> type:
    """What a text looks like: LEAN's parameters are texts, so a project need not say."""
    if re.fullmatch(r"-?\d{1,15}", value):
        return int
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", value):
        return float
    return bool if value.casefold() in ("true", "false") else str
