"""procrastinate: its own loop; a batch is how many jobs are in hand at once, each fetched by itself."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from pathlib import Path
from typing import Any

from procrastinate import App, PsycopgConnector

sys.path.insert(0, str(Path(__file__).parent))

from queue_times import paced, span
from serving import serve

# A connection each for what is in hand, within reason, besides the one that listens.
CONNECTIONS = 10
# It warns of an app in a program's main module.
logging.getLogger("procrastinate").setLevel(logging.ERROR)
starts: list[float] = []
enough = asyncio.Event()
wanted: int | None = None
app = App(connector=PsycopgConnector(min_size=2, max_size=CONNECTIONS + 1))


@app.task(name="noop")
async def noop() -> None:
    starts.append(time.monotonic())
    if len(starts) == wanted:
        enough.set()


async def obey(task: dict[str, Any]) -> list[float]:
    async with app.open_async():
        match task["do"]:
            case "install":
                await app.schema_manager.apply_schema_async()
            case "fill":
                await noop.batch_defer_async(*([{}] * task["jobs"]))
            case "send":
                return [await send() async for _ in paced(task["jobs"])]
            case "drain":
                begin(None)
                await app.run_worker_async(
                    concurrency=task["batch"], wait=False, install_signal_handlers=False
                )
                return [float(len(starts)), *span(starts)]
            case "listen":
                begin(task["jobs"])
                worker = asyncio.create_task(
                    app.run_worker_async(concurrency=task["batch"], install_signal_handlers=False)
                )
                await enough.wait()
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)
                return list(starts)
    return []


def begin(count: int | None) -> None:
    global wanted, enough
    wanted, enough = count, asyncio.Event()
    starts.clear()


async def send() -> float:
    now = time.monotonic()
    await noop.defer_async()
    return now


if __name__ == "__main__":
    serve(lambda task: asyncio.run(obey(task)))
