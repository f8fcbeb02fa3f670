"""Backtrader's own optimizer over the same grid, on as many processes as the task says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from naive import STRATEGIES, cerebro_for
from serving import serve


def run(task: dict[str, Any]) -> list[float]:
    points = task["points"]
    axes = {name: sorted({point[name] for point in points}) for name in points[0]}
    cerebro = cerebro_for(task, maxcpus=task.get("processes", 1), optdatas=True, optreturn=True)
    cerebro.optstrategy(STRATEGIES[task["strategy"]], **axes)
    found = cerebro.run()
    assert len(found) == len(points), "the points are no whole grid"
    return []


if __name__ == "__main__":
    if len(sys.argv) > 1:
        # A whole command: what a user's own script would be.
        run(json.loads(Path(sys.argv[1]).read_text()))
    else:
        serve(run)
