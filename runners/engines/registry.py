"""Which engines this runner has, by the key that strategies name them with."""

from __future__ import annotations

import shutil

from runners.engines.base import Engine
from runners.lean.settings import LeanSettings
from runners.lean.usable import check


def load_engines() -> dict[str, Engine]:
    """Import every engine; slow, so that only a process that executes points does it."""
    from runners.engines.backtrader_engine.engine import BacktraderEngine

    engines: tuple[Engine, ...] = (BacktraderEngine(),)
    # Only a runner that can start LEAN may claim its work; `lean` on PATH does not say that it can.
    if shutil.which(LeanSettings.from_environment().command) and check().usable:
        from runners.engines.lean_engine import LeanEngine

        engines += (LeanEngine(),)
    return {engine.key: engine for engine in engines}
