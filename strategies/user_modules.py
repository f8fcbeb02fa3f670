"""Imports a user's files one by one; what is wrong with one names its file and line."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import types
from pathlib import Path

from strategies.parameters import ParameterError
from strategies.user_package import USER_PACKAGE, OtherPackage, make_importable


class StrategyError(Exception):
    """A strategy is unknown, or a user's strategy file cannot be used; the message says which and why."""


def importable(folder: Path) -> None:
    try:
        make_importable(folder)
    except OtherPackage as error:
        raise StrategyError(str(error)) from error
    except (Exception, SystemExit) as error:
        raise _not_loaded(folder / "__init__.py", error) from error


class _FromSource(importlib.machinery.SourceFileLoader):
    """Compiles anew: a cache is taken for good where an edit in the same second kept the file's size."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def loaded(path: Path, root: Path) -> types.ModuleType:
    """The module of a file in `root` or below."""
    parts = path.relative_to(root).with_suffix("").parts
    name = ".".join((USER_PACKAGE, *parts))
    if not path.stem.isidentifier():
        raise StrategyError(
            f"{path}: the file's name is the strategy's name, so it must be a Python identifier"
        )
    if not all(part.isidentifier() for part in parts):
        raise StrategyError(f"{path}: it is imported by its folders' names, and {path.parent.name!r} is none")
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
    # A script that ends its process at the end, or that prints how it is called.
    except (Exception, SystemExit) as error:
        raise _not_loaded(path, error) from error
    return module


def _not_loaded(path: Path, error: BaseException) -> StrategyError:
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
