"""Points of a bulk run made by a seeded generator, and a writer that records them as a runner would.

A point depends on its ordinal alone, whatever block it comes in. One in a hundred is undefined, failed or at
a threshold.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.pq import Format

from runners.database.connection import connect
from runners.settings import Settings

COUNTS = (
    "sessions", "return_count", "tail_count", "max_drawdown_sessions", "total_orders", "total_trades",
    "winning_trades", "losing_trades", "exposed_sessions",
)  # fmt: skip
REALS = (
    "ending_value", "return_mean", "return_m2", "return_m3",
    "return_m4", "downside_m2", "tail_sum", "tail_return",
    "max_drawdown", "gross_profit", "gross_loss", "trade_profit_sum", "trade_profit_m2", "total_fees",
    "traded_value",
)  # fmt: skip
CASH = 100_000.0
BLOCKS = 16


class _Image(bytes):
    """An array as PostgreSQL receives it."""


class _Doubles(_Image):
    pass


class _Integers(_Image):
    pass


def _dumper(kind: type[_Image], number: int) -> type[Dumper]:
    class Whole(Dumper):
        format = Format.BINARY
        oid = number

        def dump(self, obj: Any) -> bytes:
            return bytes(obj)

    return Whole


def ready(connection: psycopg.Connection[Any]) -> None:
    """Lets a connection send images."""
    connection.adapters.register_dumper(_Doubles, _dumper(_Doubles, 1022))
    connection.adapters.register_dumper(_Integers, _dumper(_Integers, 1007))


def image(values: NDArray[Any]) -> _Image:
    real = values.dtype.kind == "f"
    body = np.empty(len(values), [("length", ">i4"), ("value", ">f8" if real else ">i4")])
    body["length"] = 8 if real else 4
    body["value"] = values
    head = np.array([1, 0, 701 if real else 23, len(values), 1], ">i4").tobytes()
    return (_Doubles if real else _Integers)(head + body.tobytes())


def uniform(ordinals: NDArray[np.uint64], column: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) by splitmix64 (Steele, Lea, Flood 2014) of ordinal and column."""
    with np.errstate(over="ignore"):
        z = (ordinals * np.uint64(64) + np.uint64(column)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return z.astype(np.float64) / 2.0**64


def points(first: int, count: int) -> dict[str, NDArray[Any]]:
    """Raw metrics by name, an array each, and `failed`."""
    o = np.arange(first, first + count, dtype=np.uint64)
    u = [uniform(o, column) for column in range(20)]
    sessions = np.full(count, 2148, np.int32)
    trades = (u[0] * 200).astype(np.int32)
    won = (trades * (0.2 + 0.6 * u[1])).astype(np.int32)
    m2 = 0.2 + u[2]
    odd = (o % np.uint64(300)).astype(np.int64)
    m2[odd == 1] = 0.0
    trades[odd == 2], won[odd == 2] = 30, 11
    found: dict[str, NDArray[Any]] = {
        "sessions": sessions, "return_count": sessions, "tail_count": np.full(count, 108, np.int32),
        "max_drawdown_sessions": (u[3] * 900).astype(np.int32),
        "total_orders": 2 * trades, "total_trades": trades,
        "winning_trades": won,
        "losing_trades": trades - won, "exposed_sessions": (u[4] * 2148).astype(np.int32),
        "ending_value": CASH * (0.5 + 1.6 * u[5]), "return_mean": (u[6] - 0.4) / 1500, "return_m2": m2,
        "return_m3": (u[7] - 0.5) / 500, "return_m4": u[8] / 300 + m2 * m2 / 900, "downside_m2": m2 / 2.2,
        "tail_sum": -3 * u[9], "tail_return": -u[9] / 50, "max_drawdown": 0.05 + 0.5 * u[10],
        "gross_profit": won * 900 * u[11], "gross_loss": (trades - won) * 800 * u[12],
        "trade_profit_sum": (u[13] - 0.4) * 60_000,
        "trade_profit_m2": u[14] * 1e8, "total_fees": trades * 90 * u[15],
        "traded_value": trades * 90_000 * u[16],
    }  # fmt: skip
    found["failed"] = odd == 3
    return found


CALL = (
    "select word, points, first_ordinal from desk.complete_block(%s, %s, %s, %s, "
    + ", ".join(f"p_{name} => %s" for name in COUNTS + REALS)
    + ", p_failed_ordinals => %s::bigint[], p_failed_kinds => %s::text[], p_failed_errors => %s::text[],"
    " p_block_counts => %s, p_block_sums => %s, p_block_squares => %s)"
)


def send(
    connection: psycopg.Connection[Any], item: int, token: Any, first: int, count: int, sampled_below: int
) -> list[tuple[str, int, int]]:
    """One block; what the desk answers."""
    made = points(first, count)
    ordinals = np.arange(first, first + count, dtype=np.int64)
    failed = ordinals[made["failed"]].tolist()
    sampled = ordinals[(ordinals * 2654435761) % 4294967296 < sampled_below].astype(np.uint64)
    sums = (
        np.concatenate([uniform(sampled, 30 + block) for block in range(BLOCKS)])
        .reshape(BLOCKS, -1)
        .T.ravel()
    )
    return connection.execute(
        CALL,
        [
            item, token, first, 1e-5 * count, *(image(made[name]) for name in COUNTS + REALS), failed,
            ["strategy"] * len(failed), ["ZeroDivisionError: no range"] * len(failed),
            image(np.full(len(sums), 134, np.int32)), image((sums - 0.47) / 4), image(sums / 40 + 0.01),
        ],
    ).fetchall()  # fmt: skip


def write(
    connection: psycopg.Connection[Any], runner_id: int, run_id: int, block: int, told: Callable[[int], None]
) -> int:
    """Claims and records until the run has no more work; how many points."""
    ready(connection)
    plan = connection.execute("select desk.bulk_plan(%s)", [run_id]).fetchone()
    assert plan is not None
    below = plan[0]["sampled_below"]
    written = idle = 0
    while idle < 20:
        connection.execute("select desk.advance_runs(%s)", [runner_id])
        connection.execute("select desk.reap_expired()")
        items = connection.execute("select * from desk.claim_work(%s, 1)", [runner_id]).fetchall()
        idle = 0 if items else idle + 1
        for item, token, _, _, ends, _ in items:
            for lowest, highest in zip(ends[::2], ends[1::2], strict=True):
                for first in range(lowest, highest + 1, block):
                    count = min(block, highest + 1 - first)
                    if send(connection, item, token, first, count, below)[0][0] != "stale":
                        written += count
                        told(count)
        if not items:
            done = connection.execute("select status from desk.optimization_runs where id = %s", [run_id])
            if done.fetchone() in (("completed",), ("failed",)):
                break
            time.sleep(0.1)
    return written


def main() -> None:
    """A writer as a process: python -m testing.bulk_points RUNNER RUN BLOCK; BACKDESK_HOME tells the desk."""
    runner_id, run_id, block = map(int, sys.argv[1:4])
    with connect("owner", settings=Settings.from_environment()) as connection:
        written = write(connection, runner_id, run_id, block, lambda count: None)
        pid = connection.info.backend_pid
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        print(written, (int(fields[11]) + int(fields[12])) / 100, time.process_time(), flush=True)


if __name__ == "__main__":
    main()
