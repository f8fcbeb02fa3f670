"""Paper trading: from a decision to the link, and a session that comes back, against its backtest."""

from __future__ import annotations

import datetime as dt
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runners.cli.text_table import text_table
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult, RunSettings
from runners.live.code_copy import copy_code
from runners.live.link_connection import CHANNEL, OrderBook
from runners.live.starting import session_command
from runners.live.wakes import Wakes
from runners.prices.bars import Bars
from runners.prices.generated import generated
from testing import desks, paper
from testing.accounts import open_account, submit
from testing.desks import Desk

STRATEGY = "sma_eod_example"
LAST = dt.date(2024, 5, 31)


def tables(quick: bool) -> Iterator[str]:
    """Both tables, on a server of their own."""
    with tempfile.TemporaryDirectory() as folder, desks.server(None, Path(folder)) as settings:
        with desks.migrated(settings) as desk:
            yield _decisions(desk, 20 if quick else 500)
        with desks.migrated(settings) as desk:
            yield _restart(desk, 2 if quick else 20)


def _decisions(desk: Desk, times: int) -> str:
    """Milliseconds from the call of the gate until the link has taken the order, and of a bare NOTIFY."""
    orders, bare = [], []
    with (
        desk.connect("admin") as admin, desk.connect("trader") as trader,
        desk.connect("link") as link, desk.connect("link") as waiting,
    ):  # fmt: skip
        account = open_account(admin)
        session = account.session()
        book = OrderBook(link, account.name, account.link)
        wakes = Wakes(waiting, CHANNEL, account.id)
        for number in range(times):
            if number % 100 == 0:
                account.alive()
            began = time.perf_counter()
            submit(trader, session, f"b:{number + 1}", "AAA", 1 if number % 2 == 0 else -1)
            trader.execute("select pg_notify('desk_orders', %s)", (str(account.id),))
            wakes.wait(5)
            assert len(book.take(session)[0]) == 1
            orders.append(time.perf_counter() - began)
            began = time.perf_counter()
            trader.execute("select pg_notify('desk_orders', %s)", (str(account.id),))
            wakes.wait(5)
            bare.append(time.perf_counter() - began)
    rows = [
        (what, *(f"{1000 * value:.2f}" for value in (statistics.median(found), sorted(found)[-times // 20],
                                                     sorted(found)[-max(1, times // 100)])))
        for what, found in (("asked for, allowed, told, taken", orders), ("a bare NOTIFY", bare))
    ]  # fmt: skip
    return text_table(("ms", "median", "p95", "p99"), rows, right=("median", "p95", "p99"))


def _restart(desk: Desk, days: int) -> str:
    """CPU seconds of a session that goes through its stream, by its real processes, and of the backtest."""
    prices = [_bars(symbol, number, days) for number, symbol in enumerate(("A", "B", "C"))]
    paper.prepare(desk, prices, "1m")
    first = dt.datetime.fromtimestamp(prices[0].epochs[0], dt.UTC).date()
    with desks.environment(desk.environment):
        with desk.connect("director") as director:
            row = director.execute("select files from desk.code_to_trade(%s)", (STRATEGY,)).fetchone()
        assert row is not None
        copy = copy_code(desk.settings.home, STRATEGY, row[0])
        session = paper.start(
            desk, STRATEGY, ["A", "B", "C"], "1m", 100_000, replay=True, first=first, last=LAST,
            code_copy=copy.name,
        )  # fmt: skip
        began = time.perf_counter()
        paper.traded(desk, session, {})
        recorded = time.perf_counter() - began
        with desk.connect("admin") as admin:
            steps = admin.execute("select count(*) from desk.session_stream where kind = 'step'").fetchone()
        whole, seconds = _cpu_of(session_command(session), desk)
    start, _ = _cpu_of(["-c", "import runners.live.session_process, runners.engines.backtrader.engine"], desk)
    stock = _backtest(prices, first)
    assert steps is not None
    rows = [
        ("recorded, both sides in one process", f"{recorded:.1f}", "", ""),
        ("the backtest in the stock loop", "", f"{stock:.2f}", "1.00"),
        ("gone through again, all processes", f"{seconds:.1f}", f"{whole:.2f}", f"{whole / stock:.2f}"),
        ("of that, programs that start", "", f"{2 * start:.2f}", ""),
    ]
    heading = f"{days} days of minute bars, 3 symbols, {steps[0]} steps"
    return text_table((heading, "seconds", "CPU", "times"), rows, right=("seconds", "CPU", "times"))


def _cpu_of(command: list[str], desk: Desk) -> tuple[float, float]:
    """CPU and wall seconds of a program and what it starts."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    words = command if command[0] == sys.executable else [sys.executable, *command]
    subprocess.run(words, env=os.environ | desk.environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - began


def _bars(symbol: str, seed: int, days: int) -> AdjustedPrices:
    bars = Bars.of(generated(symbol, LAST - dt.timedelta(days=2 * days + 10), LAST, seed=seed).bars)
    kept = 390 * days
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    epochs = [int(moment) // 1_000_000 for moment in bars.times[-kept:]]
    return AdjustedPrices.from_rows(symbol, epochs, *(column[-kept:].tolist() for column in columns))


def _backtest(prices: list[AdjustedPrices], first: dt.date) -> float:
    document: dict[str, Any] = {
        "optimization_run_id": 1, "strategy": STRATEGY, "entry_point": STRATEGY, "engine": "backtrader",
        "symbols": [one.symbol for one in prices], "timeframe": "1m", "start_date": first.isoformat(),
        "end_date": LAST.isoformat(), "cash": 100_000, "slippage": 0, "seed": 0, "data_hash": "",
        "code_hash": "", "commission": {"percent": 0.001, "per_share": 0, "minimum": 0}, "stock": True,
        "seconds_per_point": 600, "memory_mb": 4096, "block_count": 4,
        "session_days": [["America/New_York", 0]] * len(prices),
    }  # fmt: skip
    settings = RunSettings.from_json(document)
    began = time.process_time()
    (outcome,) = BacktraderEngine().run(settings, prices, [Point(1, {})], lambda _: None)
    assert isinstance(outcome, PointResult), outcome
    return time.process_time() - began
