"""A repository of the user's own: the nearest folder whose `pyproject.toml` has a table `[tool.backdesk]`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from runners.errors import DeskError

FILE = "pyproject.toml"
# Looked for before the file is parsed, which most commands need not wait for.
TABLE = "[tool.backdesk]"


class ProjectError(DeskError):
    """The table of a project's file cannot be used."""


@dataclass(frozen=True)
class Project:
    """The repository's folder, and the one in it that holds the strategies."""

    root: Path
    strategies: Path


def strategies_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Folder of the user's strategies: BACKDESK_STRATEGIES, else that of the project one stands in."""
    named = environment.get("BACKDESK_STRATEGIES")
    if named:
        return Path(named).expanduser().resolve()
    project = here()
    return project.strategies if project else None


def stay() -> None:
    """The user's strategies are where they are now, whatever folder this process works in from here on."""
    with suppress(ProjectError):
        folder = strategies_folder()
        if folder is not None:
            os.environ["BACKDESK_STRATEGIES"] = str(folder)


def here() -> Project | None:
    """The project of the working folder; ProjectError where its file cannot be used."""
    try:
        return _around(Path.cwd())
    except FileNotFoundError:
        return None


@lru_cache(maxsize=8)
def _around(folder: Path) -> Project | None:
    for root in (folder, *folder.parents):
        try:
            text = (root / FILE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if TABLE in text:
            return _read(root.resolve(), text)
    return None


def _read(root: Path, text: str) -> Project:
    import tomllib

    hint = f'it looks like this, where my_desk is a folder beside the file:\n{TABLE}\nstrategies = "my_desk"'
    try:
        strategies = tomllib.loads(text)["tool"]["backdesk"]["strategies"]
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{root / FILE} cannot be read: {error}") from error
    except (KeyError, TypeError) as error:
        message = f"{root / FILE}: {TABLE} does not say where the strategies are"
        raise ProjectError(message, hint=hint) from error
    if not isinstance(strategies, str) or not (root / strategies).is_dir():
        raise ProjectError(
            f"{root / FILE}: {TABLE} says that the strategies are in {strategies!r}, which is no folder",
            hint=hint,
        )
    return Project(root, (root / strategies).resolve())
