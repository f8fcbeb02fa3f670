"""What makes a result that result: its figures, and not the bytes of the file that they were read from."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from runners.engines.lean.result_file import LeanResult
from runners.engines.lean.result_metrics import Measured


def content_hash(result: LeanResult, measured: Measured) -> str:
    """SHA-256 over parameters and figures, the same however LEAN or somebody else wrote the file.

    Where there is no curve, LEAN's own statistics tell two results apart.
    """
    content: dict[str, object] = {
        "parameters": result.parameters or {},
        "metrics": {name: value for name, value in measured.metrics.items() if name != "engine_metrics"},
        "trades": [dataclasses.astuple(trade) for trade in measured.trades],
    }
    if measured.curve is not None:
        content["sessions"], content["equity"] = measured.curve.sessions, measured.curve.equity
    else:
        content["window"] = (result.start_date, result.end_date)
        content["statistics"] = (result.statistics, result.portfolio, result.trade)
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
