"""What the queues' contestants have in common: when jobs began, and jobs that come one by one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

FIRST = 1.0
LEAST, MOST = 0.03, 0.09


def span(starts: Sequence[float]) -> tuple[float, float]:
    return (min(starts), max(starts)) if starts else (0.0, 0.0)


async def paced(count: int) -> AsyncIterator[int]:
    """So many numbers with pauses in which an idle worker goes to sleep again; not before it listens."""
    await asyncio.sleep(FIRST)
    for number in range(count):
        yield number
        await asyncio.sleep(random.uniform(LEAST, MOST))
