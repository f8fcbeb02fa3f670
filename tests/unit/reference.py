"""The statistics of db/judgement/luck.sql and overfitting.sql in numpy and scipy, from the papers."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy import integrate, stats


def sharpe_error(sharpe: float, skewness: float, kurtosis: float, sessions: float) -> float:
    return float(np.sqrt((1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2) / (sessions - 1)))


def probabilistic_sharpe(
    sharpe: float, hurdle: float, skewness: float, kurtosis: float, sessions: float
) -> float:
    return float(stats.norm.cdf((sharpe - hurdle) / sharpe_error(sharpe, skewness, kurtosis, sessions)))


def min_track_record(sharpe: float, hurdle: float, skewness: float, kurtosis: float, p: float) -> float:
    variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    return float(1 + variance * (stats.norm.ppf(p) / (sharpe - hurdle)) ** 2)


def expected_maximum(trials: float, correlation: float) -> float:
    """sqrt(1 - r) x the mean of the largest of N normal variables, from its density."""
    found = integrate.quad(
        lambda y: y * trials * stats.norm.pdf(y) * stats.norm.cdf(y) ** (trials - 1),
        -12,
        12,
        epsabs=1e-12,
        limit=400,
    )[0]
    return float(np.sqrt(1 - correlation) * found)


def luck_p(z: float, trials: float, correlation: float) -> float:
    """Chance that the best of N variables, each sqrt(r) shared and sqrt(1 - r) its own, is above z."""
    if correlation == 0:
        return float(-np.expm1(trials * stats.norm.logcdf(z)))

    def above(shared: float) -> float:
        own = (z - np.sqrt(correlation) * shared) / np.sqrt(1 - correlation)
        return float(stats.norm.pdf(shared) * -np.expm1(trials * stats.norm.logcdf(own)))

    return float(integrate.quad(above, -10, 10, epsabs=1e-14, limit=400)[0])


def effective_trials(block_sums: Any) -> float:
    """n(1 - r) + r with the mean of all pairwise correlations r."""
    count = len(block_sums)
    matrix = np.corrcoef(block_sums)
    mean = float(np.clip((matrix.sum() - count) / (count * (count - 1)), 0, 1))
    return count * (1 - mean) + mean


def cscv(counts: Any, sums: Any, squares: Any) -> tuple[float, float, float]:
    """PBO, probability of loss and slope of degradation, all splits one by one; arrays are point x block."""
    points, blocks = sums.shape
    below, losses, inside, outside = 0, 0, [], []
    splits = list(combinations(range(blocks), blocks // 2))
    for split in splits:
        chosen = np.zeros(blocks, dtype=bool)
        chosen[list(split)] = True
        ins, outs = (_sharpe(counts[:, c], sums[:, c], squares[:, c]) for c in (chosen, ~chosen))
        best = int(np.argmax(ins))
        rank = stats.rankdata(outs)[best]
        below += rank <= (points + 1) / 2
        losses += outs[best] < 0
        inside.append(ins[best])
        outside.append(outs[best])
    slope = float(np.polyfit(inside, outside, 1)[0])
    return below / len(splits), losses / len(splits), slope


def _sharpe(counts: Any, sums: Any, squares: Any) -> Any:
    n, s, q = counts.sum(1), sums.sum(1), squares.sum(1)
    variance = (q - s * s / n) / (n - 1)
    return s / n / np.sqrt(variance)
