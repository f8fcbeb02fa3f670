"""Prices to probe a strategy on: the sample's, or generated bars for one that trades within the day."""

from __future__ import annotations

import datetime as dt

from runners.engines.base import AdjustedPrices
from runners.prices.adjusted import adjusted
from runners.prices.generated import generated
from runners.prices.sample import read_sample
from runners.probes.signals import since
from strategies.registry import RegisteredStrategy

BARS = 1_500
SYMBOLS = ("AAPL", "IBM", "MSFT")
FIRST, LAST = dt.date(2012, 10, 15), dt.date(2012, 12, 28)


def probe_prices(
    entry: RegisteredStrategy, symbols: tuple[str, ...] = ()
) -> tuple[list[AdjustedPrices], str, str]:
    """Prices, their timeframe, and in words what they are. A pair is two symbols, everything else three."""
    tags = getattr(entry.strategy, "tags", ())
    if "intraday" in tags:
        names = symbols or ("GEN1",)
        series = [adjusted(generated(name, FIRST, LAST, seed=1, timeframe="5m")) for name in names]
        return series, "5m", f"generated bars of 5 minutes, {FIRST} to {LAST}"
    names = symbols or SYMBOLS[: 2 if "market neutral" in tags else 3]
    have = {one.symbol: one for one in read_sample().series}
    lacking = [name for name in names if name not in have]
    if lacking:
        raise LookupError(f"the sample has no {', '.join(lacking)}; it has {', '.join(sorted(have))}")
    every = [adjusted(have[name]) for name in names]
    first = max(one.epochs[-BARS] if len(one) > BARS else one.epochs[0] for one in every)
    return since(every, first), "1d", f"the last bars of {', '.join(names)} in the sample"
