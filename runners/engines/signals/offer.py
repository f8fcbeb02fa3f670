"""Runs of signal strategies in bulk, where numba is installed (the extra `bulk`)."""

from __future__ import annotations

from importlib.util import find_spec

from runners.engines.base import Engine


def offer() -> Engine | None:
    if find_spec("numba") is None:
        return None
    from runners.engines.signals.engine import SignalsEngine

    return SignalsEngine()
