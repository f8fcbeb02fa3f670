"""The other end of benchmarks.contest: answers each task on standard input with what it took.

Imports nothing of the desk, since some competitors run in an environment of their own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def serve(run: Callable[[dict[str, Any]], list[float]]) -> None:
    """`run` takes a task and returns numbers: of a backtest, the account's last value of each point."""
    sys.stdout = sys.stderr
    for line in sys.stdin:
        task = json.loads(line)
        cpu, wall = cpu_seconds(), time.perf_counter()
        values = run(task)
        answer = {
            "cpu": cpu_seconds() - cpu,
            "wall": time.perf_counter() - wall,
            "points": len(task.get("points", ())),
            "values": values,
        }
        print(json.dumps(answer), file=sys.__stdout__, flush=True)
