"""Which strategies this installation has: an allow-list by name.

A row in the database names a strategy; it never brings a path or code. The desk's own strategies are listed
here; a user's are the `.py` files of the folder that BACKDESK_STRATEGIES names, or that of their project.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import backtrader as bt

from backdesk.project import ProjectError, strategies_folder
from strategies.code_hash import Sources, code_version
from strategies.lean_projects import LeanProjectError, lean_projects
from strategies.parameters import Parameter, ParameterError, from_params
from strategies.user_package import USER_PACKAGE, OtherPackage, make_importable, user_package

LIBRARY = (
    "rsi_mean_reversion", "bollinger_reversion", "sma_crossover", "sma_crossover_risk_managed",
    "sma_eod_example", "macd_trend", "donchian_breakout", "dual_momentum", "pairs_reversion",
    "volatility_target", "turn_of_month", "opening_range_breakout", "uncorrelated_portfolio",
    "tactical_allocation", "rsi_pullback",
)  # fmt: skip
ENGINE = "backtrader"


class StrategyError(Exception):
    """A strategy is unknown, or a user's strategy file cannot be used; the message says which and why."""


@dataclass(frozen=True)
class RegisteredStrategy:
    """A strategy that may run here."""

    name: str
    strategy: Any
    """The class, a `bt.Strategy`."""
    module: str
    path: Path
    root: Path
    """Folder whose modules count as the strategy's own code."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        declared: tuple[Parameter, ...] | None = getattr(self.strategy, "parameters", None)
        return from_params(dict(self.strategy.params._getpairs())) if declared is None else declared

    def published(self, sources: Sources | None = None) -> dict[str, object]:
        """What `publish_strategies` takes of it."""
        code_hash, details = code_version(self.module, self.path, self.root, sources)
        docstring = (self.strategy.__doc__ or "").strip()
        return {
            "name": self.name,
            "code": getattr(self.strategy, "code", "") or None,
            "title": getattr(self.strategy, "title", "") or self.strategy.__name__,
            "hypothesis": getattr(self.strategy, "hypothesis", "") or docstring.partition("\n\n")[0],
            "engine": getattr(self.strategy, "engine", ENGINE),
            "entry_point": self.name,
            "file": str(self.path),
            "tags": list(getattr(self.strategy, "tags", ())),
            "priority": getattr(self.strategy, "priority", 0),
            "code_hash": code_hash,
            "code_details": details,
            "parameters": [parameter.published() for parameter in self.parameters],
        }


def entries(folder: Path | None = None) -> dict[str, RegisteredStrategy]:
    """Every strategy by name; `folder` holds the user's, by default strategies_folder()."""
    return _entries(_folder() if folder is None else folder.resolve()) | _admitted


def _folder() -> Path | None:
    try:
        return strategies_folder()
    except ProjectError as error:
        raise StrategyError(str(error)) from error


def published_strategies(folder: Path | None = None) -> list[dict[str, object]]:
    """All strategies, and all LEAN projects, in the form that `publish_strategies` takes."""
    try:
        place = _folder() if folder is None else folder.resolve()
        projects = lean_projects(place)
        known = _entries(place)
        for name in projects.keys() & known.keys():
            raise LeanProjectError(f"a strategy and a LEAN project are both named {name!r}")
        sources = Sources()
        own = [entry.published(sources) for entry in known.values()]
        return own + [project.published() for project in projects.values()]
    except LeanProjectError as error:
        raise StrategyError(str(error)) from error


def resolve(name: str, folder: Path | None = None) -> RegisteredStrategy:
    """The strategy of that name; StrategyError where it is not on the list."""
    known = entries(folder)
    if name not in known:
        raise StrategyError(f"unknown strategy {name!r}; this runner has: {', '.join(known)}")
    return known[name]


_admitted: dict[str, RegisteredStrategy] = {}


def admit_file(path: Path, name: str | None = None) -> RegisteredStrategy:
    """The strategy of a file, put on this process's list alone: for one backtest by its author.

    `name` chooses where the file has several. StrategyError where the name belongs to another file's.
    """
    path = path.expanduser().resolve()
    if not path.is_file():
        raise StrategyError(f"there is no file {path}")
    known = {entry.name: entry for entry in entries().values() if entry.path.resolve() == path}
    if not known:
        user_package(path.parent, *map(Path, getattr(sys.modules.get(USER_PACKAGE), "__path__", ())))
        _make_importable(path.parent)
        known = {entry.name: entry for entry in _entries_of(_loaded(path), path, path.parent)}
    if name is None and len(known) > 1:
        first = next(iter(known))
        raise StrategyError(f"{path} has the strategies {', '.join(known)}; name one: {path.name}:{first}")
    entry = known.get(name or next(iter(known)))
    if entry is None:
        raise StrategyError(f"{path} has no strategy {name!r}; it has {', '.join(known)}")
    other = entries().get(entry.name)
    if other is not None and other.path.resolve() != path:
        raise StrategyError(f"{path}: another strategy is named {entry.name!r}, in {other.path}; rename one")
    _admitted[entry.name] = entry
    return entry


def is_admitted(name: str) -> bool:
    """True of a strategy that only admit_file() put on the list."""
    return name in _admitted and name not in _entries(_folder())


@lru_cache(maxsize=8)
def _entries(folder: Path | None) -> dict[str, RegisteredStrategy]:
    found: dict[str, RegisteredStrategy] = {}
    for entry in (*_library(), *(_user_entries(folder) if folder is not None else ())):
        if entry.name in found:
            raise StrategyError(
                f"two strategies are named {entry.name!r}, in {found[entry.name].path} and in {entry.path}"
            )
        found[entry.name] = entry
    return found


def _library() -> Iterator[RegisteredStrategy]:
    root = Path(__file__).resolve().parent
    for stem in LIBRARY:
        module = importlib.import_module(f"strategies.{stem}")
        yield from _entries_of(module, root / f"{stem}.py", root)


def _user_entries(folder: Path) -> Iterator[RegisteredStrategy]:
    if not folder.is_dir():
        raise StrategyError(f"BACKDESK_STRATEGIES names {folder}, which is no folder")
    user_package(folder)
    _make_importable(folder)
    for path in sorted(folder.glob("*.py")):
        # A leading underscore marks a module that strategies share.
        if not path.stem.startswith("_"):
            yield from _entries_of(_loaded(path), path, folder)


def _make_importable(folder: Path) -> None:
    try:
        make_importable(folder)
    except OtherPackage as error:
        raise StrategyError(str(error)) from error
    except Exception as error:
        raise _not_loaded(folder / "__init__.py", error) from error


class _FromSource(importlib.machinery.SourceFileLoader):
    """Compiles anew: a cache is taken for good where an edit in the same second kept the file's size."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _loaded(path: Path) -> types.ModuleType:
    name = f"{USER_PACKAGE}.{path.stem}"
    if not path.stem.isidentifier():
        raise StrategyError(
            f"{path}: the file's name is the strategy's name, so it must be a Python identifier"
        )
    spec = importlib.util.spec_from_file_location(name, path, loader=_FromSource(name, str(path)))
    if spec is None or spec.loader is None:
        raise StrategyError(f"{path}: cannot be read as a Python file")
    module = importlib.util.module_from_spec(spec)
    # Backtrader's metaclasses look the module up while the class is being made.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ParameterError as error:
        raise StrategyError(f"{path}: {error}") from error
    except Exception as error:
        raise _not_loaded(path, error) from error
    return module


def _not_loaded(path: Path, error: Exception) -> StrategyError:
    line = _line_in(error, path)
    return StrategyError(f"{path}{line} cannot be loaded: {type(error).__name__}: {error}")


def _line_in(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f", line {error.lineno},"
    at, line = error.__traceback__, ""
    while at is not None:
        if at.tb_frame.f_code.co_filename == str(path):
            line = f", line {at.tb_lineno},"
        at = at.tb_next
    return line


def _entries_of(module: types.ModuleType, path: Path, root: Path) -> Iterator[RegisteredStrategy]:
    classes = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, bt.Strategy) and thing.__module__ == module.__name__
    ]
    if not classes:
        raise StrategyError(f"{path} defines no strategy; begin its name with _ if it is shared code")
    for strategy in classes:
        name = vars(strategy).get("name") or (path.stem if len(classes) == 1 else None)
        if not isinstance(name, str):
            raise StrategyError(
                f"{path} defines {len(classes)} strategies; give {strategy.__name__} a class attribute `name`"
            )
        yield RegisteredStrategy(name, strategy, module.__name__, path, root)
