"""Arrays made at once are byte for byte those that psycopg makes of lists."""

from __future__ import annotations

import datetime as dt

import pytest
from psycopg.adapt import PyFormat, Transformer

from runners.worker.array_images import FLOAT8, days, doubles, header, moments, texts


def sent(value: object) -> bytes | None:
    (found,) = Transformer().dump_sequence([value], [PyFormat.BINARY])
    return None if found is None else bytes(found)


@pytest.mark.parametrize(
    "values", [[1.5], [0.0, -1.0, 1e300, float("inf"), 0.1], [float(n) for n in range(300)]]
)
def test_doubles(values: list[float]) -> None:
    assert doubles(values) == sent(values)


@pytest.mark.parametrize(
    "values", [[dt.date(2000, 1, 1)], [dt.date(1969, 12, 31), dt.date(2024, 2, 29), dt.date(9999, 12, 31)]]
)
def test_days(values: list[dt.date]) -> None:
    assert days(values) == sent(values)


@pytest.mark.parametrize("zone", [dt.UTC, dt.timezone(dt.timedelta(hours=-5))])
def test_moments(zone: dt.tzinfo) -> None:
    values = [
        dt.datetime(2000, 1, 1, tzinfo=zone),
        dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=zone),
        dt.datetime(2031, 7, 4, 9, 30, 0, 1, tzinfo=zone),
    ]
    assert moments(values) == sent(values)


def test_texts() -> None:
    values = ["AAPL", "", "ü 株"]
    assert texts(values) == sent(values)


def test_an_empty_array() -> None:
    assert doubles([]) == header(FLOAT8, 0) == bytes(8) + (701).to_bytes(4)
