"""A strategy on a tiny series of closes, for tests whose signals are worked by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from runners.engines.base import AdjustedPrices
from runners.probes.signals import Signal, traced
from strategies.registry import RegisteredStrategy

FIRST_DAY = dt.date(2020, 1, 1)
DAY = 86_400


def signals_on(
    entry: RegisteredStrategy, closes: Sequence[float], **parameters: Any
) -> list[tuple[int, str]]:
    """(bar, buy or sell) of every order, bars counted from 0; the symbol is X, daily bars that open at their
    close. Raises AssertionError with the strategy's error."""
    first = int(dt.datetime.combine(FIRST_DAY, dt.time(), dt.UTC).timestamp())
    # A bar more, so that an order of the last one is filled and not only sent.
    prices = [*closes, closes[-1]]
    epochs = [first + DAY * place for place in range(len(prices))]
    series = AdjustedPrices.from_rows("X", epochs, prices, prices, prices, prices, [100.0] * len(prices))
    trace = traced(entry, [series], parameters)
    assert trace.error is None, trace.error
    return [(_bar(signal, first), "buy" if signal.size > 0 else "sell") for signal in trace.signals
            if _bar(signal, first) < len(closes)]  # fmt: skip


def _bar(signal: Signal, first: int) -> int:
    return (signal.time - first) // DAY
