"""Thirty fixed series of daily returns: ordinary ones, and those at which metrics break."""

from __future__ import annotations

from typing import Any

import numpy as np


def series() -> dict[str, Any]:
    """Returns by name; no randomness that changes between versions of numpy: an own generator."""
    found: dict[str, Any] = {
        "constant": np.zeros(50),
        "one point": np.array([0.01]),
        "two points": np.array([0.01, -0.02]),
        "three equal": np.full(3, 0.001),
        "all losses": -np.linspace(0.001, 0.02, 60),
        "all gains": np.linspace(0.001, 0.02, 60),
        "above 100% a year": 0.004 + 0.01 * _noise(1, 252),
        "far above 100% a year": 0.02 + 0.03 * _noise(2, 252),
        "cash-like": 0.00008 + 0.000001 * _noise(3, 500),
        "cash with one trade": np.concatenate([np.zeros(200), [0.05], np.zeros(50)]),
        "one loss": np.concatenate([np.zeros(30), [-0.3], np.zeros(30)]),
        "ends at a tenth": np.full(20, 0.1 ** (1 / 20) - 1) + 0.001 * _noise(4, 20),
        "gaps": np.where(np.arange(400) % 7 < 3, 0.0, 0.012 * _noise(5, 400)),
        "alternating": np.tile([0.01, -0.01], 126),
        "a crash": np.concatenate([0.001 + 0.005 * _noise(6, 300), [-0.35], 0.002 + 0.01 * _noise(7, 200)]),
        "a jump": np.concatenate([0.005 * _noise(8, 300), [0.8], 0.005 * _noise(9, 200)]),
        "tiny": 1e-9 * _noise(10, 100),
        "twenty": 0.01 * _noise(11, 20),
        "nineteen": 0.01 * _noise(12, 19),
        "twenty-one": 0.01 * _noise(13, 21),
    }
    for number in range(10):
        found[f"ordinary {number}"] = 0.0003 * (number - 3) + 0.012 * _noise(20 + number, 150 + 97 * number)
    assert len(found) == 30
    return found


def _noise(seed: int, count: int) -> Any:
    """Roughly normal numbers from a linear congruential generator (Park, Miller 1988), twelve a number."""
    state, drawn = seed * 7919 + 17, []
    for _ in range(12 * count):
        state = state * 48271 % 2147483647
        drawn.append(state / 2147483647)
    return np.array(drawn).reshape(count, 12).sum(axis=1) - 6.0
