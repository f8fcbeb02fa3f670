"""Splits and dividends that a file states beside its closes, as dated factors.

Of adjusted closes only the steps of adjusted / close are events; between two steps the ratio is one number
that rounding blurs, so a factor is the quotient of two means. Files round to cents or keep seven digits,
which hides a dividend smaller than that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from runners.prices.factors import adjusted_closes
from runners.prices.series import Factor

SINGLE_PRECISION = 1.2e-7
"""Some sources keep prices in four bytes, however many digits they write."""
MOST_EVENTS = 0.2
"""A share of days above which a ratio that moves is no series of splits and dividends."""
WORTH_SAYING = 0.01

_LARGEST_SPLIT_TERM = 50
_LARGEST_TERM = 5
_SMALLEST_SPLIT = 0.04


def from_events(
    days: Sequence[dt.date],
    close: np.ndarray,
    splits: np.ndarray | None,
    dividends: np.ndarray | None,
    adjusted: np.ndarray | None,
) -> tuple[tuple[Factor, ...], tuple[str, ...]]:
    """Factors of the days that state a split (4 is four new shares for one) or an amount a share.

    Whether prices are adjusted for a split already is told by the close before it. The factor of a dividend
    is 1 - amount / close of the day before. Adjusted closes, where there are some too, are held against it.
    """
    factors: list[Factor] = []
    done: list[dt.date] = []
    for day in range(1, len(days)):
        split = 1.0 if splits is None or not splits[day] > 0 else float(splits[day])
        before = float(close[day - 1])
        if split != 1.0:
            fell = np.log(before / close[day])
            if abs(fell - np.log(split)) < abs(fell):
                factors.append(Factor(days[day], "split", 1 / split))
                before /= split
            else:
                done.append(days[day])
        amount = 0.0 if dividends is None else float(dividends[day])
        if 0 < amount < before:
            factors.append(Factor(days[day], "dividend", 1 - amount / before))
    remarks = []
    if done:
        remarks.append(f"prices are adjusted already for the split of {', '.join(map(str, done))}")
    remarks += _said(factors, "splits and dividends that the file states")
    remarks += _difference(days, close, factors, adjusted)
    return tuple(factors), tuple(remarks)


def from_adjusted(
    days: Sequence[dt.date], close: np.ndarray, adjusted: np.ndarray, rounding: tuple[float, float]
) -> tuple[tuple[Factor, ...] | None, tuple[str, ...]]:
    """Factors of the steps in adjusted / close; none where it moves too often to be that.

    `rounding` is half of the last digit of adjusted closes and of closes.
    """
    ratio = adjusted / close
    noise = ratio * (rounding[0] / adjusted + rounding[1] / close + SINGLE_PRECISION)
    steps = [int(day) + 1 for day in np.flatnonzero(np.abs(np.diff(ratio)) > noise[1:] + noise[:-1])]
    if len(steps) > MOST_EVENTS * len(days):
        return None, ("its adjusted closes move too often to be splits and dividends: not used",)
    means = [float(part.mean()) for part in np.split(ratio, steps)]
    factors = []
    for day, before, after in zip(steps, means, means[1:], strict=False):
        factor = before / after
        blur = (noise[day] + noise[day - 1]) / ratio[day]
        simple = Fraction(factor).limit_denominator(_LARGEST_SPLIT_TERM)
        fell = close[day] / close[day - 1]
        # A price that fell with it says that shares were split; else closes are adjusted for splits.
        fell_too = abs(np.log(fell / factor)) < abs(np.log(factor)) / 2
        if _is_split(simple, factor, blur) and fell_too:
            factors.append(Factor(days[day], "split", float(simple)))
        else:
            factors.append(Factor(days[day], "dividend", factor))
    remarks = [*_said(factors, "steps of its adjusted closes"), *_difference(days, close, factors, adjusted)]
    return tuple(factors), tuple(remarks)


def _is_split(simple: Fraction, factor: float, blur: float) -> bool:
    whole = 1 in (simple.numerator, simple.denominator) or max(simple.as_integer_ratio()) <= _LARGEST_TERM
    return whole and abs(float(simple) / factor - 1) < blur and abs(factor - 1) > _SMALLEST_SPLIT


def _said(factors: Sequence[Factor], origin: str) -> list[str]:
    count = len(factors)
    return [f"{count} factor{'s' if count > 1 else ''} from the {origin}"] if count else []


def _difference(
    days: Sequence[dt.date], close: np.ndarray, factors: Sequence[Factor], adjusted: np.ndarray | None
) -> list[str]:
    if adjusted is None or not np.all(np.isfinite(adjusted) & (adjusted > 0)):
        return []
    ours = np.array(adjusted_closes(days, close.tolist(), factors)) * (adjusted[-1] / close[-1])
    away = np.abs(ours / adjusted - 1)
    worst = int(np.argmax(away))
    if away[worst] <= WORTH_SAYING:
        return []
    return [f"its adjusted closes differ from these factors, most on {days[worst]}: by {away[worst]:.1%}"]
