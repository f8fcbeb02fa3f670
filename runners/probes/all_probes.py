"""All probes of one strategy, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runners.backtests.request import RequestError
from runners.engines.base import AdjustedPrices
from runners.probes.findings import ProbeFinding
from runners.probes.look_ahead import look_ahead
from runners.probes.never_called import never_called
from runners.probes.prices import probe_prices
from runners.probes.repeatable import repeatable
from runners.probes.signals import traced
from runners.probes.unread import unread
from runners.probes.warm_up import warm_up
from strategies.registry import RegisteredStrategy


def findings(entry: RegisteredStrategy, symbols: tuple[str, ...] = ()) -> Iterator[ProbeFinding]:
    """Every probe's; the first says on what they were run."""
    try:
        prices, timeframe, described = probe_prices(entry, symbols)
    except LookupError as error:
        raise RequestError(str(error)) from error
    yield from findings_on(entry, prices, timeframe, described)


def findings_on(
    entry: RegisteredStrategy, prices: Sequence[AdjustedPrices], timeframe: str, described: str
) -> Iterator[ProbeFinding]:
    """Every probe's on these prices, which `described` names."""
    whole = traced(entry, prices, {}, timeframe=timeframe)
    if whole.error is not None:
        if "needs more bars" in whole.error:
            yield ProbeFinding("note", "run", f"{described} are too few to tell anything: {whole.error}")
            return
        ahead = "[1] and the like read bars that are not there yet" if "IndexError" in whole.error else ""
        yield ProbeFinding("fault", "run", f"it fails on {described}: {whole.error}", ahead)
        return
    yield ProbeFinding("ok", "run", f"{len(whole.signals)} orders on {described}")
    yield from never_called(entry, whole)
    yield look_ahead(prices, whole, lambda part: traced(entry, part, {}, timeframe=timeframe))
    yield warm_up(prices, whole, lambda part: traced(entry, part, {}, timeframe=timeframe))
    yield from unread(entry, whole, lambda values: traced(entry, prices, values, timeframe=timeframe))
    yield repeatable(
        whole, lambda seed, stock: traced(entry, prices, {}, timeframe=timeframe, seed=seed, stock=stock)
    )
