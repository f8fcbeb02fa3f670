"""Runs a recorded point again for its curve and trades, which PostgreSQL keeps where all is equal to the bit.

Settings and prices come with the request: nothing here needs a database, and the strategy's code has none.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from runners.engines.base import AdjustedPrices, Point, RunSettings
from runners.reproduction import NotReproducible, check_code, platform_name, run_point
from runners.tasks.registry import Request, TaskFailed


def run(request: Request) -> dict[str, Any]:
    """`payload` has ordinal and parameters of the point, `settings` and `prices` are those of its run."""
    payload = request["payload"]
    settings = RunSettings.from_json(request["settings"])
    prices = [AdjustedPrices.from_rows(*series) for series in request["prices"]]
    try:
        check_code(settings, settings.code_hash)
        found = run_point(settings, prices, Point(payload["ordinal"], payload["parameters"]))
    except NotReproducible as error:
        raise TaskFailed(error.message, detail=error.detail, hint=error.hint) from error
    return {
        "platform": platform_name(),
        "metrics": found.metrics,
        "sessions": [day.isoformat() for day in found.sessions],
        "equity": list(found.equity),
        "trades": [
            vars(trade) | {"entry_time": _stated(trade.entry_time), "exit_time": _stated(trade.exit_time)}
            for trade in found.trades
        ],
    }


def _stated(at: dt.datetime) -> str:
    """With its zone; one without is UTC."""
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).isoformat()
