"""Which engines this runner has, by the key that strategies name them with: each folder beside this file
offers one.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from runners import engines
from runners.engines.base import Engine


def load_engines() -> dict[str, Engine]:
    """Import every engine that can run here; slow, so that only a process that executes points does it."""
    folders = [found.name for found in iter_modules(engines.__path__) if found.ispkg]
    offers = [import_module(f"{engines.__name__}.{name}.offer").offer() for name in folders]
    return {engine.key: engine for engine in offers if engine is not None}


def import_the_rest() -> None:
    """What engines import for their first point: every child would, if the process that forks it had not."""
    from runners.engines.backtrader.engine import numpys_generators

    numpys_generators()
