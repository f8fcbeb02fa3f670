"""Families of trials without skill, as many as a study needs, and what the formulas of luck say of them.

A family has N trials over T sessions whose daily returns are normal, without drift, and correlated by r
between any two. Only what the formulas read is drawn, each with its exact distribution: sums of 16 blocks
and scatter within them. The formulas are those of `db/judgement/noise.sql`; a test holds both against each
other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

Array = Any
"""A numpy array of floats."""

SESSIONS, BLOCKS = 1008, 16


@dataclass(frozen=True)
class Cell:
    """What came out for families of N trials with correlation r; shares are of families."""

    trials: int
    correlation: float
    largest: float
    """Mean of the best trial's Sharpe ratio, in standard errors."""
    expected: float
    """What the formula says of it, with the true correlation."""
    deflated: dict[str, float]
    """Families whose best has a deflated Sharpe ratio above 0.95, by where r is from."""
    lucky: dict[str, float]
    """Families whose best has a luck_p below 0.05, by where r is from."""
    block_error: float
    """Standard deviation of r from block sums."""


def expected_maximum(trials: int, correlation: Array) -> Array:
    """sqrt(1 - r) times the mean of the largest of N normal variables."""
    y = np.arange(-9, 10, 0.1) + 0.05
    largest = 0.1 * ((y > 0) - stats.norm.cdf(y) ** trials).sum() if trials > 1 else 0.0
    return np.sqrt(1 - np.clip(correlation, 0, 1)) * largest


def luck_p(z: Array, trials: int, correlation: Array) -> Array:
    """Chance that the best of N trials is z standard errors or more above 0, by one integral."""
    r = np.clip(correlation, 0, 0.999999)
    found = _above(z, trials)
    # As in SQL: so little that they share moves nothing, and its density would fall between two nodes.
    alike = r >= 0.0065
    own, narrow = (z / np.sqrt(1 - r))[alike, None], np.sqrt((1 - r) / np.maximum(r, 1e-9))[alike, None]
    y = np.arange(-80, 96) / 10
    density = np.exp(-(((own - y) * narrow) ** 2) / 2) * narrow * 0.1 / np.sqrt(2 * np.pi)
    found[alike] = density @ _above(y, trials) + stats.norm.cdf(((-8.05 - own) * narrow)[:, 0])
    return found


def _above(y: Array, trials: int) -> Array:
    return -np.expm1(trials * stats.norm.logcdf(y))


def study(trials: int, correlation: float, families: int, seed: int = 16) -> Cell:
    random = np.random.default_rng([seed, trials, round(correlation * 1000)])
    parts, left = [], families
    while left > 0:
        count = min(left, max(1, 400_000 // trials))
        parts.append(_draw(random, count, trials, correlation))
        left -= count
    best, from_returns, from_blocks = (np.concatenate(column) for column in zip(*parts, strict=True))
    sources = {"known": np.full(families, correlation), "returns": from_returns, "blocks": from_blocks}
    return Cell(
        trials,
        correlation,
        float(best.mean()),
        float(expected_maximum(trials, correlation)),
        {
            name: float((best - expected_maximum(trials, r) > stats.norm.ppf(0.95)).mean())
            for name, r in sources.items()
        },
        {name: float((luck_p(best, trials, r) < 0.05).mean()) for name, r in sources.items()},
        float(from_blocks.std()),
    )


def _draw(random: Any, families: int, trials: int, r: float) -> tuple[Array, Array, Array]:
    """Of each family: its best Sharpe ratio in standard errors, and r from returns and from block sums."""
    length = SESSIONS // BLOCKS
    shared = random.standard_normal((families, 1, BLOCKS)) * np.sqrt(length)
    sums = np.sqrt(r) * shared + np.sqrt((1 - r) * length) * random.standard_normal(
        (families, trials, BLOCKS)
    )
    # Within blocks: the part of a trial's own that lies along what all share, and the rest of it.
    scatter = random.chisquare(SESSIONS - BLOCKS, families)[:, None]
    along = random.standard_normal((families, trials))
    rest = random.chisquare(SESSIONS - BLOCKS - 1, (families, trials))
    within = (np.sqrt(r * scatter) + np.sqrt(1 - r) * along) ** 2 + (1 - r) * rest
    total = sums.sum(2)
    squares = within + (sums**2).sum(2) / length - total**2 / SESSIONS
    sharpe = total / SESSIONS / np.sqrt(squares / (SESSIONS - 1))
    best = (sharpe / np.sqrt((1 + sharpe**2 / 2) / (SESSIONS - 1))).max(1)
    if trials == 1:
        return best, np.zeros(families), np.zeros(families)
    centred = sums - sums.mean(2, keepdims=True)
    unit = centred / np.sqrt((centred**2).sum(2, keepdims=True))
    # The same of all returns: the squared length of the sum of the unit vectors, part by part.
    weight = 1 / np.sqrt(squares)
    of_blocks = ((weight[:, :, None] * centred).sum(1) ** 2).sum(1) / length
    of_shared = (np.sqrt(r * scatter[:, 0]) * weight.sum(1) + np.sqrt(1 - r) * (weight * along).sum(1)) ** 2
    turned = random.chisquare(SESSIONS - BLOCKS - 1, families) / (SESSIONS - BLOCKS - 1)
    of_rest = (1 - r) * (weight**2 * rest).sum(1) * turned
    pairs = trials * (trials - 1)
    return (
        best,
        (of_blocks + of_shared + of_rest - trials) / pairs,
        ((unit.sum(1) ** 2).sum(1) - trials) / pairs,
    )
