"""Which engines this runner has, by the key that strategies name them with."""

from __future__ import annotations

from runners.engines.base import Engine


def load_engines() -> dict[str, Engine]:
    """Import every engine; slow, so that only a process that executes points does it."""
    from runners.engines.backtrader_engine.engine import BacktraderEngine

    engines: tuple[Engine, ...] = (BacktraderEngine(),)
    return {engine.key: engine for engine in engines}
