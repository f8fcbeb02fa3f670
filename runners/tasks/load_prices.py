"""Loads prices as a job asks for, from a row of `desk.price_sources`.

A new source is a row, and a module in `runners/prices` of its name with
`read(symbols) -> list[PriceSeries]`, where symbols is None for all.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from runners.database.connection import connect
from runners.prices.calendars import fill_calendars
from runners.prices.load import Loaded, load
from runners.prices.series import PriceError
from runners.tasks.registry import Request, TaskFailed


def run(request: Request) -> dict[str, Any]:
    """Loads the series of `source`, all or those of `symbols`; each by itself."""
    payload = request["payload"]
    source, symbols = str(payload["source"]), payload.get("symbols")
    try:
        read = import_module(f"runners.prices.{source}").read
    except (ImportError, AttributeError):
        raise TaskFailed(f"this runner cannot load from {source}") from None
    wanted = None if symbols is None else [symbols] if isinstance(symbols, str) else symbols
    series = read(None if wanted is None else [str(symbol).upper() for symbol in wanted])
    done, refused = list[Loaded](), list[str]()
    with connect("runner", application_name="backdesk task") as runner:
        for one in series:
            try:
                done.append(load(runner, one))
            except PriceError as error:
                refused.append(f"{one.symbol}: {error.message}")
        if done:
            fill_calendars(runner)
    if refused and not done:
        raise TaskFailed("nothing could be loaded", detail="; ".join(refused))
    changed = [one.series.symbol for one in done if one.status == "loaded"]
    summary = f"{len(changed)} series loaded, {len(done) - len(changed)} unchanged"
    if refused:
        summary += f", {len(refused)} refused ({'; '.join(refused)})"
    return {"summary": summary, "loaded": changed}

