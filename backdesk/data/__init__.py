"""Where the files that are no Python lie: `db`, `dbt` and `configs`.

A wheel carries them in this folder; in a checkout they are the repository's own.
"""

from __future__ import annotations

from pathlib import Path

from runners.errors import DeskError

_INSIDE = Path(__file__).resolve().parent
_REPOSITORY = _INSIDE.parents[1]


def folder(name: str) -> Path:
    """The folder of that name, to read from only; DeskError where the installation lacks it."""
    for place in (_INSIDE / name, _REPOSITORY / name):
        if place.is_dir():
            return place
    raise DeskError(
        f"this installation of backdesk lacks its folder {name}: it is not in {_INSIDE}",
        hint="install the wheel again: pip install --force-reinstall --no-deps backdesk",
    )


def checkout() -> Path | None:
    """The repository that this code runs out of; None where it was installed from a wheel."""
    own = (_REPOSITORY / "pyproject.toml").is_file() and (_REPOSITORY / "db").is_dir()
    return _REPOSITORY if own and not (_INSIDE / "db").is_dir() else None
