"""Intraday bars that nobody ever traded: seeded random walks in real sessions, for tests and demonstrations.

They have what intraday strategies trip over: half days, clock changes, gaps over night, minutes without a
trade, and more movement at open and close than at noon. They have no memory: whatever makes money on them
does so by chance.
"""

from __future__ import annotations

import datetime as dt
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from runners.prices.series import Bar, PriceError, PriceSeries
from strategies.market_calendar import NEW_YORK, CalendarError, Session, market_calendar

SECONDS = {"m": 60, "h": 3_600}
SESSIONS_A_YEAR = 252
OVERNIGHT_SHARE = 0.3
"""Share of a day's variance that falls between close and open."""


@dataclass(frozen=True)
class Recipe:
    """`volatility` is a yearly deviation, `drift` a yearly log return, `missing` the share of bars without a
    trade."""

    first_price: float = 100.0
    volatility: float = 0.25
    drift: float = 0.05
    missing: float = 0.002


def generated(
    symbol: str,
    start: dt.date,
    end: dt.date,
    *,
    seed: int = 0,
    timeframe: str = "1m",
    calendar: str = NEW_YORK,
    recipe: Recipe | None = None,
) -> PriceSeries:
    """One symbol's bars over the sessions from start to end. Equal arguments give equal bars.

    A bar's time is when it begins, UTC. Raises PriceError.
    """
    found = re.fullmatch(r"([1-9][0-9]*)([mh])", timeframe)
    if not found:
        raise PriceError(
            f"generated bars are of minutes or hours, not {timeframe}", hint="such as 1m, 5m, 1h"
        )
    seconds = int(found[1]) * SECONDS[found[2]]
    try:
        sessions = market_calendar(calendar).between(start, end)
    except CalendarError as error:
        raise PriceError(str(error)) from error
    if not sessions:
        raise PriceError(f"{calendar} has no session from {start} to {end}")
    bars = tuple(_bars(sessions, seconds, random.Random(f"{seed} {symbol}"), recipe or Recipe()))
    return PriceSeries(
        symbol=symbol.upper(),
        source=f"generated: seed {seed}",
        bars=bars,
        timeframe=timeframe,
        title=f"generated {symbol.upper()}",
        asset_class="generated",
        calendar=calendar,
        notes="A seeded random walk, not a market: results on it prove a strategy's code, never its idea.",
        remarks=(f"generated with seed {seed}: no real prices",),
    )


def _bars(
    sessions: tuple[Session, ...], seconds: int, chance: random.Random, recipe: Recipe
) -> Iterator[Bar]:
    price = recipe.first_price
    daily = recipe.volatility / math.sqrt(SESSIONS_A_YEAR)
    for session in sessions:
        price *= math.exp(chance.gauss(recipe.drift / SESSIONS_A_YEAR, daily * math.sqrt(OVERNIGHT_SHARE)))
        count = -(-(session.close - session.open) // seconds)
        weights = [_activity((place + 0.5) / count) for place in range(count)]
        total = math.fsum(weights)
        for place, weight in enumerate(weights):
            deviation = daily * math.sqrt((1 - OVERNIGHT_SHARE) * weight / total)
            opened, closed = price, price * math.exp(chance.gauss(0.0, deviation))
            high = max(opened, closed) * math.exp(abs(chance.gauss(0.0, deviation / 2)))
            low = min(opened, closed) * math.exp(-abs(chance.gauss(0.0, deviation / 2)))
            volume = round(chance.lognormvariate(0.0, 0.5) * 50_000 * weight)
            price = closed
            # The first bar is always there: a session without an open would be another kind of gap.
            if place and chance.random() < recipe.missing:
                continue
            time = dt.datetime.fromtimestamp(session.open + place * seconds, dt.UTC)
            yield Bar(time, _cents(opened), _cents(high), _cents(low), _cents(closed), volume)


def _cents(price: float) -> float:
    return max(0.01, round(price, 2))


def _activity(moment: float) -> float:
    """How much happens at a moment of the session, 0 its open and 1 its close: most at both ends."""
    return 0.5 + 6.0 * (moment - 0.5) ** 2
