"""Which strategies this installation has: an allow-list by name.

A row in the database names a strategy; it never brings a path or code. The desk's own strategies are listed
here; a user's are the `.py` files of the folder that BACKDESK_STRATEGIES names, or that of their project.
"""

from __future__ import annotations

import importlib
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
from strategies.lean_projects import LeanProject, broken_projects, lean_projects
from strategies.parameters import Parameter, ParameterError, from_params
from strategies.user_files import is_imported, strategy_files
from strategies.user_modules import StrategyError as StrategyError
from strategies.user_modules import importable, loaded
from strategies.user_package import USER_PACKAGE, user_package

LIBRARY = (
    "rsi_mean_reversion", "bollinger_reversion", "sma_crossover", "sma_crossover_risk_managed",
    "sma_eod_example", "macd_trend", "donchian_breakout", "dual_momentum", "pairs_reversion",
    "volatility_target", "turn_of_month", "opening_range_breakout", "uncorrelated_portfolio",
    "tactical_allocation", "rsi_pullback",
)  # fmt: skip
ENGINE = "backtrader"


@dataclass(frozen=True)
class Broken:
    """A user's file or folder whose strategies cannot be had, and why. It keeps nobody from the others."""

    path: Path
    fault: str

    def published(self) -> dict[str, object]:
        """What `publish_strategies` takes of it."""
        return {"file": str(self.path), "fault": self.fault}


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
    def engine(self) -> str:
        """Key of the engine that runs it."""
        return str(getattr(self.strategy, "engine", ENGINE))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        declared: tuple[Parameter, ...] | None = getattr(self.strategy, "parameters", None)
        return from_params(dict(self.strategy.params._getpairs())) if declared is None else declared

    @property
    def untyped(self) -> dict[str, str]:
        """Parameters whose default is no number, truth value or text, with it: none to search over."""
        known = {parameter.name for parameter in self.parameters}
        pairs = self.strategy.params._getpairs().items()
        return {name: repr(default)[:60] for name, default in pairs if name not in known}

    @property
    def resample(self) -> tuple[str, ...]:
        """Longer timeframes that it needs."""
        named = getattr(self.strategy, "resample", ())
        return tuple(map(str, named)) if isinstance(named, list | tuple) else ()

    def published(self, sources: Sources | None = None) -> dict[str, object]:
        """What `publish_strategies` takes of it."""
        code_hash, details = code_version(self.module, self.path, self.root, sources)
        if self.resample:
            details["resample"] = list(self.resample)
        if self.untyped:
            details["untyped"] = self.untyped
        docstring = (self.strategy.__doc__ or "").strip()
        return {
            "name": self.name,
            "code": getattr(self.strategy, "code", "") or None,
            "title": getattr(self.strategy, "title", "") or self.strategy.__name__,
            "hypothesis": getattr(self.strategy, "hypothesis", "") or docstring.partition("\n\n")[0],
            "engine": self.engine,
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
    return _listed(_folder() if folder is None else folder.resolve())[0] | _admitted


def broken_files(folder: Path | None = None) -> tuple[Broken, ...]:
    """What of the user's folder cannot be loaded, file by file."""
    place = _folder() if folder is None else folder.resolve()
    return (*_listed(place)[1], *_projects(place)[1])


def _folder() -> Path | None:
    try:
        return strategies_folder()
    except ProjectError as error:
        raise StrategyError(str(error)) from error


def published_strategies(folder: Path | None = None) -> list[dict[str, object]]:
    """All strategies, and all LEAN projects, in the form that `publish_strategies` takes."""
    place = _folder() if folder is None else folder.resolve()
    sources = Sources()
    own = [entry.published(sources) for entry in _listed(place)[0].values()]
    return own + [project.published() for project in _projects(place)[0].values()]


def _projects(place: Path | None) -> tuple[dict[str, LeanProject], tuple[Broken, ...]]:
    """LEAN projects by name, but those that a strategy is named like."""
    projects = lean_projects(place)
    broken = [Broken(path, fault) for path, fault in broken_projects(place).items()]
    taken = projects.keys() & _listed(place)[0].keys()
    broken += [
        Broken(projects[name].folder, f"a strategy and a LEAN project are both named {name!r}")
        for name in sorted(taken)
    ]
    return {name: project for name, project in projects.items() if name not in taken}, tuple(broken)


def resolve(name: str, folder: Path | None = None) -> RegisteredStrategy:
    """The strategy of that name; StrategyError where it is not on the list."""
    known = entries(folder)
    if name not in known:
        for broken in broken_files(folder):
            if broken.path.stem == name and broken.path.suffix == ".py":
                raise StrategyError(broken.fault)
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
        importable(path.parent)
        known = {entry.name: entry for entry in _entries_of(loaded(path, path.parent), path, path.parent)}
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
    return name in _admitted and name not in _listed(_folder())[0]


@lru_cache(maxsize=8)
def _listed(folder: Path | None) -> tuple[dict[str, RegisteredStrategy], tuple[Broken, ...]]:
    """Strategies by name, and the files that give none."""
    found = {entry.name: entry for entry in _library()}
    if folder is None:
        return found, ()
    if not folder.is_dir():
        raise StrategyError(f"BACKDESK_STRATEGIES names {folder}, which is no folder")
    broken: list[Broken] = []
    try:
        user_package(folder)
        importable(folder)
    except StrategyError as error:
        return found, (Broken(folder, str(error)),)
    for path in strategy_files(folder):
        try:
            module = loaded(path, folder)
            if not _classes(module) and (path.parent != folder or is_imported(path, folder)):
                continue
            fresh = list(_entries_of(module, path, folder))
            for number, entry in enumerate(fresh):
                # Declarations that cannot be published are told here, with their file.
                _ = entry.parameters
                other = found.get(entry.name) or next(
                    (e for e in fresh[:number] if e.name == entry.name), None
                )
                if other is not None:
                    raise StrategyError(
                        f"two strategies are named {entry.name!r}, in {other.path} and in {entry.path}"
                    )
        except ParameterError as error:
            broken.append(Broken(path, f"{path}: {error}"))
        except StrategyError as error:
            broken.append(Broken(path, str(error)))
        else:
            found |= {entry.name: entry for entry in fresh}
    return found, tuple(broken)


def _library() -> Iterator[RegisteredStrategy]:
    root = Path(__file__).resolve().parent
    for stem in LIBRARY:
        module = importlib.import_module(f"strategies.{stem}")
        yield from _entries_of(module, root / f"{stem}.py", root)


def _classes(module: types.ModuleType) -> list[Any]:
    return [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, bt.Strategy) and thing.__module__ == module.__name__
    ]


def _entries_of(module: types.ModuleType, path: Path, root: Path) -> Iterator[RegisteredStrategy]:
    classes = _classes(module)
    if not classes:
        raise StrategyError(f"{path} defines no strategy; begin its name with _ if it is shared code")
    for strategy in classes:
        name = vars(strategy).get("name") or (path.stem if len(classes) == 1 else None)
        if not isinstance(name, str):
            raise StrategyError(
                f"{path} defines {len(classes)} strategies; give {strategy.__name__} a class attribute `name`"
            )
        yield RegisteredStrategy(name, strategy, module.__name__, path, root)
