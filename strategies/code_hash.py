"""Which version of a strategy's code this is: one hash over every source file that it is made of."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from strategies.user_package import own_name

OWN_ROOT = Path(__file__).resolve().parent
# Where statements hold statements: bodies, and the cases and handlers that have bodies.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


@dataclass(frozen=True)
class _Source:
    """A source file: SHA-256 and the dotted names that it imports."""

    digest: str
    imports: tuple[str, ...]


class Sources:
    """Files as they are found now. Strategies share most of their modules, so each is looked up and read once
    for all of them that are given the same object."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, Path], tuple[tuple[str, Path], ...]] = {}
        self._read: dict[tuple[str, Path], _Source] = {}

    def files(self, imported: str, root: Path) -> tuple[tuple[str, Path], ...]:
        """Source files that importing the dotted name runs: each package on the way and the module itself."""
        key = (imported, root)
        if key not in self._files:
            self._files[key] = tuple(_own_files(imported, root))
        return self._files[key]

    def read(self, module: str, file: Path) -> _Source:
        key = (module, file)
        if key not in self._read:
            source = file.read_bytes()
            names = _imports(source, module, is_package=file.name == "__init__.py")
            self._read[key] = _Source(hashlib.sha256(source).hexdigest(), names)
        return self._read[key]


def code_version(
    module: str, path: Path, root: Path, sources: Sources | None = None
) -> tuple[str, dict[str, object]]:
    """SHA-256 over a strategy's module and, transitively, its imports inside the strategies folders.

    `module` is its dotted name, `root` the folder of its package. Returns the hash and its details: the hash
    of each file, and the versions of Backtrader, Python and of every other library that these files import.
    """
    package = module.partition(".")[0]
    roots = {"strategies": OWN_ROOT, package: root}
    if (name := own_name(root)) is not None:
        roots[name] = root
    sources = sources or Sources()
    files: dict[str, str] = {}
    libraries: set[str] = {"backtrader"}
    waiting = [(module, path)]
    while waiting:
        name, file = waiting.pop()
        if name in files:
            continue
        source = sources.read(name, file)
        files[name] = source.digest
        for imported in source.imports:
            top = imported.partition(".")[0]
            if top in roots:
                waiting += sources.files(imported, roots[top])
            elif root != OWN_ROOT and lies_in(top, root):
                waiting += sources.files(f"{package}.{imported}", root)
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


def lies_in(top: str, root: Path) -> bool:
    """True where a plain `import top` finds a module of this folder, which is on the path as the last."""
    if top in sys.stdlib_module_names or not ((root / f"{top}.py").is_file() or (root / top).is_dir()):
        return False
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    return any(place and Path(place).resolve().is_relative_to(root) for place in places)


def imported_names(path: Path, module: str) -> set[str]:
    """Dotted names that a file imports; none of one that cannot be read as Python."""
    try:
        return set(_imports(path.read_bytes(), module, is_package=path.name == "__init__.py"))
    except (SyntaxError, ValueError, OSError):
        return set()


def _imports(source: bytes, module: str, *, is_package: bool) -> tuple[str, ...]:
    """Dotted names that a source imports; `from a import b` may mean the module a.b, so both are named."""
    package = module if is_package else module.rpartition(".")[0]
    names: list[str] = []
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            names += (base, *(f"{base}.{alias.name}" for alias in node.names))
    return tuple(names)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Every statement at any depth; an import is none of the many expressions, which take most of a walk."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        for block in _BLOCKS:
            waiting += getattr(node, block, ())


def _own_files(imported: str, root: Path) -> Iterator[tuple[str, Path]]:
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
        provider = _provider(library)
        return provider.version if provider else "unknown"


def _provider(library: str) -> importlib.metadata.Distribution | None:
    for distribution in importlib.metadata.distributions():
        if library in (distribution.read_text("top_level.txt") or "").split():
            return distribution
    # Reads what every distribution says of each of its files, which takes long.
    names = importlib.metadata.packages_distributions().get(library)
    return importlib.metadata.distribution(names[0]) if names else None
