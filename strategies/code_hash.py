"""Which version of a strategy's code this is: one hash over every source file that it is made of."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OWN_ROOT = Path(__file__).resolve().parent


def code_version(module: str, path: Path, root: Path) -> tuple[str, dict[str, object]]:
    """SHA-256 over a strategy's module and, transitively, its imports inside the strategies folders.

    `module` is its dotted name, `root` the folder of its package. Returns the hash and its details: the hash
    of each file, and the versions of Backtrader, Python and of every other library that these files import.
    """
    package = module.rpartition(".")[0]
    roots = {"strategies": OWN_ROOT, package: root}
    files: dict[str, str] = {}
    libraries: set[str] = {"backtrader"}
    waiting = [(module, path)]
    while waiting:
        name, file = waiting.pop()
        if name in files:
            continue
        source = file.read_bytes()
        files[name] = hashlib.sha256(source).hexdigest()
        for imported in _imports(source, name, is_package=file.name == "__init__.py"):
            top = imported.partition(".")[0]
            if top in roots:
                waiting += _own_files(imported, roots[top])
            elif top not in sys.stdlib_module_names:
                libraries.add(top)
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name} {files[name]}\n".encode())
    details: dict[str, object] = {
        "files": dict(sorted(files.items())),
        "libraries": {library: _version(library) for library in sorted(libraries)},
        "python": platform.python_version(),
    }
    return digest.hexdigest(), details


# Strategies share most of their modules, so each source is read once for all of them.
@cache
def _imports(source: bytes, module: str, *, is_package: bool) -> tuple[str, ...]:
    """Dotted names that a source imports; `from a import b` may mean the module a.b, so both are named."""
    package = module if is_package else module.rpartition(".")[0]
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            names += (base, *(f"{base}.{alias.name}" for alias in node.names))
    return tuple(names)


def _own_files(imported: str, root: Path) -> Iterator[tuple[str, Path]]:
    """Source files that importing the dotted name runs: each package on the way and the module itself."""
    parts = imported.split(".")
    for depth in range(1, len(parts) + 1):
        stem = root.joinpath(*parts[1:depth])
        for file in (stem / "__init__.py", stem.with_suffix(".py") if depth > 1 else stem / "__init__.py"):
            if file.is_file():
                yield ".".join(parts[:depth]), file
                break


@cache
def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        # The module's name is not always the distribution's: yaml is PyYAML.
        distributions = importlib.metadata.packages_distributions().get(library, [])
        return importlib.metadata.version(distributions[0]) if distributions else "unknown"
