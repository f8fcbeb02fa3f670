"""pgqueuer: its own loop over asyncpg and uvloop, as its command runs it, on its default, durable tables."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

sys.path.insert(0, str(Path(__file__).parent))

from queue_times import paced, span
from serving import serve


async def obey(task: dict[str, Any]) -> list[float]:
    connection = await asyncpg.connect()
    try:
        queries = Queries(AsyncpgDriver(connection))
        match task["do"]:
            case "install":
                await queries.install()
            case "fill":
                jobs = task["jobs"]
                await queries.enqueue(["noop"] * jobs, [None] * jobs, [0] * jobs)
            case "send":
                return [await send(queries) async for _ in paced(task["jobs"])]
            case "drain":
                starts = await run(connection, task["batch"], None)
                return [float(len(starts)), *span(starts)]
            case "listen":
                return await run(connection, task["batch"], task["jobs"])
        return []
    finally:
        await connection.close()


async def send(queries: Queries) -> float:
    now = time.monotonic()
    await queries.enqueue("noop", None)
    return now


async def run(connection: asyncpg.Connection, batch: int, count: int | None) -> list[float]:
    """When each job began; until there is none, or until there were so many."""
    pgq = PgQueuer(AsyncpgDriver(connection))
    starts: list[float] = []

    @pgq.entrypoint("noop")
    async def noop(job: Job) -> None:
        starts.append(time.monotonic())
        if len(starts) == count:
            pgq.shutdown.set()

    mode = QueueExecutionMode.drain if count is None else QueueExecutionMode.continuous
    await pgq.qm.run(batch_size=batch, mode=mode)
    return starts


if __name__ == "__main__":
    serve(lambda task: uvloop.run(obey(task)))
