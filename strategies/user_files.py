"""Which files of a user's folder hold strategies: those beside one another, and those of its sub-folders."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from strategies.code_hash import imported_names
from strategies.user_package import USER_PACKAGE, own_name

PASSED_OVER = frozenset({"backtests", "optimizations", "live", "storage", "lean", "tests", "node_modules"})
"""Sub-folders that hold no strategies."""


def strategy_files(folder: Path) -> Iterator[Path]:
    """In the folder every module, in sub-folders those that define a class of something; in order of path.

    What begins with an underscore is shared by others, what pytest reads is no strategy.
    """
    yield from _modules(folder)
    for below in sorted(folder.iterdir()):
        if below.is_dir() and _may_hold(below):
            yield from _below(below)


def _below(folder: Path) -> Iterator[Path]:
    yield from (path for path in _modules(folder) if _derives_a_class(path))
    for below in sorted(folder.iterdir()):
        if below.is_dir() and _may_hold(below):
            yield from _below(below)


def _modules(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.glob("*.py"))
        if not path.name.startswith(("_", "test_")) and path.name != "conftest.py"
    ]


def _may_hold(folder: Path) -> bool:
    return (
        folder.name not in PASSED_OVER
        and not folder.name.startswith((".", "_"))
        and not (folder / "pyvenv.cfg").is_file()
        # A LEAN project.
        and not ((folder / "config.json").is_file() and (folder / "main.py").is_file())
    )


def _derives_a_class(path: Path) -> bool:
    """True where a class is derived, or where it cannot be known: then loading the file says why."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return True
    return any(isinstance(node, ast.ClassDef) and node.bases for node in tree.body)


def is_imported(helper: Path, folder: Path) -> bool:
    """True of a module that another file of the folder imports: it need not hold a strategy."""
    parts = helper.relative_to(folder).with_suffix("").parts
    tops = {USER_PACKAGE, own_name(folder)} - {None}
    names = {".".join(parts), *(".".join((str(top), *parts)) for top in tops)}
    others = {path: path.relative_to(folder).with_suffix("").parts for path in folder.rglob("*.py")}
    return any(
        names & imported_names(path, ".".join((USER_PACKAGE, *parts)))
        for path, parts in others.items()
        if path != helper and not any(part.startswith(".") for part in parts)
    )
