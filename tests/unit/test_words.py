"""How values are written: one way on the terminal, in a tear sheet and on the page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runners.words import NOTHING, amount, duration_text, metric_text


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (None, "ratio", 2, NOTHING),
        (0.1234, "fraction", 1, "12.3%"),
        (12.5, "fraction", 1, "1,250.0%"),
        (-1234.5, "money", 2, "-1,234.50"),
        (1234567.0, "count", 0, "1,234,567"),
        (2.675, "ratio", 2, "2.68"),
        (-0.001, "ratio", 2, "0.00"),
        (float("inf"), "fraction", 1, "Infinity"),
        (float("nan"), "ratio", 2, "NaN"),
    ],
)
def test_a_metric_is_written_in_its_unit(value: float | None, unit: str, decimals: int, text: str) -> None:
    assert metric_text(value, unit, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, NOTHING), (1500, "1,500"), (1500.0, "1,500.00"), (0.012343, "0.01234"), (-2.345, "-2.35")],
)
def test_an_amount_is_as_exact_as_it_is_small(value: float | None, text: str) -> None:
    assert amount(value) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (None, NOTHING),
        (timedelta(0), "0 s"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(hours=1), "1 h"),
        (timedelta(days=2, hours=3, minutes=4), "2 d 3 h"),
    ],
)
def test_durations(duration: timedelta | None, text: str) -> None:
    assert duration_text(duration) == text
