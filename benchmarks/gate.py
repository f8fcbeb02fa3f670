"""(o) The gate: an order against a bare committed insert, with ever more earlier orders, and many connections
on one account.

Gate and insert take turns on one connection, so that both wait for the same disk. Buffers are those of
everything that a judged order touches; they do not grow with what is over.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from benchmarks.desk import desk as benchmark_desk
from benchmarks.rounds import markdown
from testing.accounts import Account, insist, open_account, submit
from testing.old_orders import buffers, fill

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CONNECTIONS = 50
BARE = b"insert into desk.bare (word) values ('x')"


def tables(quick: bool) -> Iterator[str]:
    with benchmark_desk() as here, ExitStack() as stack:
        admin = stack.enter_context(here.connect("admin"))
        admin.execute(
            "create table desk.bare (id bigint generated always as identity primary key, word text)"
        )
        account = open_account(admin)
        session = account.session()
        other = stack.enter_context(here.connect("admin"))
        sizes = SIZES[:2] if quick else SIZES
        yield _sizes(account, session, other, sizes, 20 if quick else 200)
        yield _many(account, session, here.connect, CONNECTIONS // (5 if quick else 1), 10 if quick else 40)


def _sizes(account: Account, session: int, one: Any, sizes: tuple[int, ...], rounds: int) -> str:
    lines, before = [], 0
    for size in sizes:
        fill(account.admin, account.id, session, before + 1, size)
        before = size
        account.alive()
        gate, bare = [], []
        for number in range(rounds + 20):
            began = time.perf_counter()
            state = submit(one, session, f"{size}:{number}", "AAA", 1)[1]
            middle = time.perf_counter()
            one.execute(BARE)
            ended = time.perf_counter()
            if state != "allowed":
                raise RuntimeError(f"an order was {state}")
            gate.append(1000 * (middle - began))
            bare.append(1000 * (ended - middle))
            if number % 20 == 19:
                close_all(account, session)
                account.alive()
        gate, bare = gate[20:], bare[20:]
        ratio = statistics.median(gate) / statistics.median(bare)
        touched = buffers(account.admin, session)
        lines.append(
            [
                f"{size:,}",
                f"{statistics.median(gate):.2f}",
                f"{statistics.median(bare):.2f}",
                f"{ratio:.2f}",
                str(touched),
            ]
        )
    heading = [
        "earlier orders",
        "gate, median ms",
        "bare insert, median ms",
        "ratio",
        "buffers of a judgement",
    ]
    return f"One connection, {rounds} orders with their commits\n\n" + markdown(heading, lines)


def close_all(account: Account, session: int) -> None:
    """Cancels what is open, so that an order stands beside few others."""
    account.admin.execute(
        "select desk.cancel_order(o.id, 'desk', 'benchmark') from desk.broker_orders as o"
        " where o.trading_session_id = %s and o.is_open",
        (session,),
    )


def _many(account: Account, session: int, connect: Any, connections: int, orders: int) -> str:
    account.alive()
    go = threading.Barrier(connections)

    def work(number: int) -> list[float]:
        with connect("admin") as one:
            go.wait()
            took = []
            for turn in range(orders):
                began = time.perf_counter()
                insist(one, session, f"many{number}:{turn}", "BBB", 1)
                took.append(1000 * (time.perf_counter() - began))
            return took

    began = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        took = sorted(one for each in pool.map(work, range(connections)) for one in each)
    seconds = time.perf_counter() - began
    kept = account.value(
        "select count(*) from desk.broker_orders where trading_session_id = %s and key like 'many%%'", session
    )
    if kept != connections * orders:
        raise RuntimeError(f"{kept} of {connections * orders} orders were kept")
    figures = [
        f"{connections}", f"{len(took):,}", f"{len(took) / seconds:.0f}", f"{took[len(took) // 2]:.0f}",
        f"{took[int(len(took) * 0.99)]:.0f}", f"{took[-1]:.0f}",
    ]  # fmt: skip
    heading = ["connections", "orders, none lost", "orders a second", "median ms", "p99 ms", "longest ms"]
    return "One account, all at once\n\n" + markdown(heading, [figures])
