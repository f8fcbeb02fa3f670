"""Which engines this runner has, by the key that strategies name them with."""

from __future__ import annotations

import shutil

from runners.engines.base import Engine
from runners.engines.lean.settings import LeanSettings


def load_engines() -> dict[str, Engine]:
    """Import every engine; slow, so that only a process that executes points does it."""
    from runners.engines.backtrader.engine import BacktraderEngine

    engines: tuple[Engine, ...] = (BacktraderEngine(),)
    # Only a runner that can start LEAN may claim its work; `lean` on PATH does not say that it can.
    if shutil.which(LeanSettings.from_environment().command):
        from runners.engines.lean.usable import check

        if check().usable:
            from runners.engines.lean.engine import LeanEngine

            engines += (LeanEngine(),)
    return {engine.key: engine for engine in engines}


def import_the_rest() -> None:
    """What engines import for their first point: every child would, if the process that forks it had not."""
    from runners.engines.backtrader.engine import numpys_generators

    numpys_generators()
