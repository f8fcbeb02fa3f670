"""Compares a version of a signal strategy in the kernel with stock Backtrader, bar by bar.

On the prices of a run and on random ones.

They come with the request: nothing here needs a database, and the strategy's code is given none.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runners.engines.base import AdjustedPrices, Commission, RunSettings
from runners.prices.dates import date_of
from runners.tasks.probe_code import entry_of
from runners.tasks.registry import Request

POINTS = 50
"""On the run's prices."""
RANDOM_CASES, RANDOM_POINTS, RANDOM_BARS = 4, 4, 300


def run(request: Request) -> dict[str, Any]:
    """Answers the outcome, clean or note, and what it rests on: a difference says the first bar and both
    numbers."""
    from runners.engines.signals.comparison import first_difference, points_of

    payload = request["payload"]
    entry = entry_of(payload["strategy"], payload["code_hash"])
    settings = RunSettings.from_json(payload["settings"])
    prices = [AdjustedPrices.from_rows(*series) for series in request["prices"]]
    counted = 0
    said = ""
    for number, (these, series) in enumerate([(_over(settings, prices), prices), *_random(settings)]):
        points = points_of(entry.parameters, RANDOM_POINTS if number else POINTS, number)
        found, count = first_difference(these, series, entry, points)
        counted += count
        if found is not None:
            said = f"on {'random prices' if number else ', '.join(settings.symbols)}, {found}"
            break
    outcome = "note" if said or not counted else "clean"
    return {"outcome": outcome, "evidence": _evidence(prices, counted, said)}


def _evidence(prices: Sequence[AdjustedPrices], counted: int, said: str) -> dict[str, Any]:
    told = said or f"{counted} points are equal to the bit"
    return {
        "summary": told,
        "points": counted,
        "symbols": [series.symbol for series in prices],
        "from": str(date_of(min(series.epochs[0] for series in prices))),
        "until": str(date_of(max(series.epochs[-1] for series in prices))),
        "findings": [{
            "verdict": "note" if said or not counted else "ok", "about": "kernel", "found": told,
            "todo": "it runs under Backtrader until its code is another" if said else "",
        }],
    }  # fmt: skip


def _over(settings: RunSettings, prices: Sequence[AdjustedPrices]) -> RunSettings:
    """The run's own settings over these bars, without what the comparison does not need."""
    return replace(
        settings,
        start_date=date_of(min(series.epochs[0] for series in prices)),
        end_date=date_of(max(series.epochs[-1] for series in prices)) + dt.timedelta(days=1),
        warm_up_bars=0, benchmark=None, stock=False,
    )  # fmt: skip


def _random(settings: RunSettings) -> list[tuple[RunSettings, list[AdjustedPrices]]]:
    """Walks with gaps, of up to three symbols that miss bars, with costs and cash of all kinds."""
    rng = random.Random(1)
    cases = []
    for number in range(RANDOM_CASES):
        prices = []
        for place in range(1 + number % 3):
            price = rng.uniform(5, 100)
            columns: list[list[float]] = [[] for _ in range(5)]
            epochs = []
            for day in range(RANDOM_BARS):
                opened = price * math.exp(rng.gauss(0, 0.01))
                price = opened * math.exp(rng.gauss(0, 0.02))
                if day and rng.random() < 0.05 * number:
                    continue
                epochs.append(day * 86_400)
                high, low = max(opened, price) * 1.01, min(opened, price) * 0.99
                for column, value in zip(columns, (opened, high, low, price, 1000.0), strict=True):
                    column.append(value)
            prices.append(AdjustedPrices.from_rows(f"R{place}", epochs, *columns))
        costs = Commission(rng.choice([0.0, 0.001]), rng.choice([0.0, 0.005]), rng.choice([0.0, 1.0]))
        made = replace(
            settings, symbols=tuple(series.symbol for series in prices), timeframe="1d", commission=costs,
            cash=rng.choice([100_000.0, 3_000.0]), splits={}, contracts={}, session_days=(), resample=(),
            margin=None, cash_flows=None,
        )  # fmt: skip
        cases.append((_over(made, prices), prices))
    return cases
