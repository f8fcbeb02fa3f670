"""Backtrader is offered by every runner."""

from __future__ import annotations

from runners.engines.base import Engine


def offer() -> Engine | None:
    from runners.engines.backtrader.engine import BacktraderEngine

    return BacktraderEngine()
