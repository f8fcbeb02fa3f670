"""Probes a version of a strategy's code on the prices of a run.

They come with the request: nothing here needs a database, and the strategy's code is given none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runners.engines.base import AdjustedPrices
from runners.prices.dates import date_of
from runners.probes.all_probes import findings_on
from runners.probes.findings import ProbeFinding
from runners.tasks.registry import Request, TaskFailed
from strategies.registry import RegisteredStrategy, StrategyError, resolve


def run(request: Request) -> dict[str, Any]:
    """Answers the outcome, fault, note or clean, and what it rests on."""
    payload = request["payload"]
    prices = [AdjustedPrices.from_rows(*series) for series in request["prices"]]
    entry = entry_of(payload["strategy"], payload["code_hash"])
    found = list(findings_on(entry, prices, payload["timeframe"], _described(prices, payload["timeframe"])))
    return {
        "outcome": _worst(found),
        "evidence": {
            "symbols": [series.symbol for series in prices],
            "from": str(date_of(min(series.epochs[0] for series in prices))),
            "until": str(date_of(max(series.epochs[-1] for series in prices))),
            "findings": [vars(one) for one in found],
        },
    }


def entry_of(name: str, code_hash: str) -> RegisteredStrategy:
    """The strategy of that name; TaskFailed where its code is not that."""
    try:
        entry = resolve(name)
    except StrategyError as error:
        raise TaskFailed(str(error)) from error
    if entry.published()["code_hash"] != code_hash:
        raise TaskFailed(f"the file of {name} has been changed since")
    return entry


def _described(prices: Sequence[AdjustedPrices], timeframe: str) -> str:
    bars = max(len(series) for series in prices)
    return f"{bars:,} bars of {timeframe} of {', '.join(series.symbol for series in prices)}"


def _worst(found: Sequence[ProbeFinding]) -> str:
    verdicts = {one.verdict for one in found}
    # That it runs says nothing where there was nothing to compare.
    return "fault" if "fault" in verdicts else "note" if "note" in verdicts else "clean"
