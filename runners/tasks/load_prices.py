"""Loads prices as a job asks for: from the built-in sample, or from another source that a runner has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from runners.database.connection import connect
from runners.prices.load import Loaded, load
from runners.prices.sample import read_sample
from runners.prices.series import PriceError, PriceSeries
from runners.tasks.registry import Request, TaskFailed

SOURCES: dict[str, Callable[[], Iterable[PriceSeries]]] = {
    "sample": lambda: read_sample().series,
}


def run(request: Request) -> dict[str, Any]:
    """Loads the series of `source`, all or those of `symbols`; each by itself."""
    payload = request["payload"]
    source = SOURCES.get(payload["source"])
    if source is None:
        raise TaskFailed(
            f"this runner cannot load from {payload['source']}", hint=f"it has {', '.join(sorted(SOURCES))}"
        )
    series = _wanted(source(), payload.get("symbols"), payload["source"])
    done, refused = list[Loaded](), list[str]()
    with connect("runner", application_name="backdesk task") as runner:
        for one in series:
            try:
                done.append(load(runner, one))
            except PriceError as error:
                refused.append(f"{one.symbol}: {error.message}")
    if refused and not done:
        raise TaskFailed("nothing could be loaded", detail="; ".join(refused))
    changed = [one.series.symbol for one in done if one.status == "loaded"]
    summary = f"{len(changed)} series loaded, {len(done) - len(changed)} unchanged"
    if refused:
        summary += f", {len(refused)} refused ({'; '.join(refused)})"
    return {"summary": summary, "loaded": changed}


def _wanted(series: Iterable[PriceSeries], symbols: Any, source: str) -> list[PriceSeries]:
    found = list(series)
    if symbols is None:
        return found
    wanted = [str(symbol).upper() for symbol in ([symbols] if isinstance(symbols, str) else symbols)]
    missing = [symbol for symbol in wanted if symbol not in {one.symbol for one in found}]
    if missing:
        known = ", ".join(one.symbol for one in found)
        raise TaskFailed(f"{source} has no {', '.join(missing)}", hint=f"it has {known}")
    return [one for one in found if one.symbol in wanted]
