"""A session on paper in one process: the strategy here, its link in a thread, PostgreSQL between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from runners.engines.base import AdjustedPrices
from runners.live.asking import value
from runners.live.feeds import Arrival
from runners.live.link_connection import CHANNEL, OrderBook, SessionLink, begin_link
from runners.live.paper_link import PaperSession, Stopped
from runners.live.session_run import DeskSide, run_session
from runners.live.strategy_connection import StrategyConnection, session_terms
from runners.live.wakes import Wakes
from runners.prices.bars import Bars
from runners.prices.load import load
from runners.prices.series import PriceSeries
from strategies.registry import published_strategies
from testing.accounts import WIDE
from testing.desks import Desk

BEAT = "select desk.beat_link(%s, %s)"
COPY = "c" * 64
"""Of sessions whose strategy runs in this process."""


def prepare(desk: Desk, prices: Iterable[AdjustedPrices], timeframe: str, account: str = "PAPER") -> None:
    """Publishes the strategies, loads prices under their symbols, and opens an account with wide limits."""
    with desk.connect("admin") as admin:
        admin.execute("select desk.publish_strategies(%s)", (Jsonb(published_strategies()),))
        admin.execute("select desk.paper_account(%s)", (account,))
        for limit, threshold in WIDE.items():
            admin.execute(
                "insert into desk.risk_limits (account_id, limit_name, threshold)"
                " select id, %s, %s from desk.accounts where name = %s on conflict do nothing",
                (limit, threshold, account),
            )
    with desk.connect("director") as director:
        for one in prices:
            load(director, series_of(one, timeframe))


def series_of(one: AdjustedPrices, timeframe: str) -> PriceSeries:
    """Adjusted bars as a source would bring them."""
    columns = (np.frombuffer(column) for column in (one.open, one.high, one.low, one.close, one.volume))
    bars = Bars(np.array(one.epochs, dtype=np.int64) * 1_000_000, *columns)
    return PriceSeries(one.symbol, "test", bars, timeframe, zone="UTC" if timeframe == "1d" else None)


def validated(admin: psycopg.Connection[Any], strategy: str) -> None:
    """As if it had passed all that there is."""
    for status in ("testing", "validated"):
        admin.execute(
            "update desk.strategies set status = %s where name = %s and status in ('backlog', 'testing')",
            (status, strategy),
        )


def start(
    desk: Desk, strategy: str, symbols: Sequence[str], timeframe: str, capital: float, **options: object
) -> int:
    """A session of the newest code; options are those of start_paper_session without their p_."""
    with desk.connect("admin") as admin:
        validated(admin, strategy)
    with desk.connect("director") as director:
        code = director.execute("select code_hash from desk.code_to_trade(%s)", (strategy,)).fetchone()
        assert code is not None
        given = {"code_copy": COPY, "account": "PAPER"} | options
        named = ", ".join(f"p_{name} => %({name})s" for name in given)
        row = director.execute(
            "select desk.start_paper_session(%(strategy)s, p_capital => %(capital)s,"
            " p_symbols => %(symbols)s,"
            f" p_timeframe => %(timeframe)s, p_code_hash => %(hash)s, {named})".encode(),
            given | {"strategy": strategy, "capital": float(capital), "symbols": list(symbols),
                     "timeframe": timeframe, "hash": code[0]},
        ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


@dataclass
class LinkThread:
    """The link of one session, in a thread of its own; `error` is what ended it."""

    desk: Desk
    session_id: int
    account: str = "PAPER"
    coming: Iterable[Arrival] | None = None
    error: BaseException | None = None

    def __enter__(self) -> LinkThread:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(0 if self.error else 20)
        self._stop.set()
        self._thread.join(20)

    def end(self) -> None:
        self._stop.set()
        self._thread.join(20)

    def _beat(self, token: str) -> None:
        with self.desk.connect("link") as link:
            while self._thread.is_alive() and not self._stop.wait(5):
                value(link, BEAT, self.account, token)

    def _run(self) -> None:
        try:
            with self.desk.connect("link") as link, self.desk.connect("link") as orders:
                token = begin_link(link, self.account, "host", 1)
                link.execute(BEAT, (self.account, token))
                threading.Thread(target=self._beat, args=(token,), daemon=True).start()
                terms = session_terms(link, self.session_id)
                if terms.is_replay:
                    link.execute("set synchronous_commit = off")
                wakes = Wakes(link, CHANNEL, terms.account_id)
                book = OrderBook(orders, self.account, token)
                PaperSession(SessionLink(link, terms, token), book, wakes, self._stop, self.coming).run()
        except Stopped:
            return
        except BaseException as error:
            self.error = error


def strategy_of(
    desk: Desk,
    session_id: int,
    analyzers: Mapping[str, Any] | None = None,
    beside: Callable[[DeskSide], DeskSide] = lambda side: side,
) -> Any:
    """Runs a session's strategy in this process to the end of its stream, and answers it."""
    with desk.connect("trader") as trader:
        trader.execute("set synchronous_commit = off")
        side = StrategyConnection(trader, session_terms(trader, session_id))
        return run_session(side.terms, beside(side), analyzers)


def traded(
    desk: Desk, session_id: int, analyzers: Mapping[str, Any], coming: Iterable[Arrival] | None = None
) -> Any:
    """Both sides from the session's begin to its end; the strategy."""
    with LinkThread(desk, session_id, coming=coming) as link:
        strategy = strategy_of(desk, session_id, analyzers)
    if link.error is not None:
        raise link.error
    return strategy
