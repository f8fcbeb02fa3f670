"""The process of a paper account: feeds and fills all of its sessions, a thread each.

`python -m runners.live.link_process ACCOUNT [SESSION]`; with a session it carries that one alone, and ends
with it. It runs no strategy's code, so that whatever a strategy does, orders and cancels go out.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

import psycopg

from runners.database.connection import connect
from runners.live.asking import rows, value
from runners.live.link_connection import BEAT, CHANNEL, SESSIONS, OrderBook, SessionLink, begin_link
from runners.live.paper_link import PaperSession, Stopped
from runners.live.session_broker import Divergence
from runners.live.strategy_connection import BEAT_SECONDS
from runners.live.terms import SessionTerms
from runners.live.wakes import Wakes
from runners.reporting import exit_codes
from runners.settings import Settings

LOOK_SECONDS = 1.0
Say = Callable[[str], None]


class LinkProcess:
    """One account's link, until it is stopped."""

    def __init__(self, settings: Settings, account: str, only: int | None = None, say: Say = print) -> None:
        self._settings, self._account, self._only, self._say = settings, account, only, say
        self._stop = threading.Event()
        self._threads: dict[int, threading.Thread] = {}
        self._failed: list[str] = []
        self._over: set[int] = set()

    def run(self) -> bool:
        """True when it was stopped or its only session is over, False where another link has the account."""
        with (
            connect("link", settings=self._settings, application_name=f"link {self._account}") as link,
            connect("link", settings=self._settings) as orders,
        ):
            token = begin_link(link, self._account, socket.gethostname(), os.getpid())
            book = OrderBook(orders, self._account, token)
            self._say(f"{self._account}: its link is ready")
            try:
                return self._carry(link, book, token)
            finally:
                self._stop.set()
                for thread in self._threads.values():
                    thread.join()

    def stop(self) -> None:
        self._stop.set()

    def _carry(self, link: psycopg.Connection[tuple[object, ...]], book: OrderBook, token: str) -> bool:
        beaten = -BEAT_SECONDS
        while not self._stop.is_set():
            if time.monotonic() - beaten >= BEAT_SECONDS:
                beaten = time.monotonic()
                if value(link, BEAT, self._account, token, "ready") == "superseded":
                    self._say(f"{self._account}: another link has it now")
                    return False
            for (document,) in rows(link, SESSIONS, self._account, token):
                terms = SessionTerms.of(document)
                if self._only in (None, terms.trading_session_id):
                    self._begin(terms, book, token)
            if self._only is not None and self._only in self._over:
                break
            if self._failed:
                break
            self._stop.wait(LOOK_SECONDS)
        return not self._failed

    def _begin(self, terms: SessionTerms, book: OrderBook, token: str) -> None:
        if terms.trading_session_id not in self._threads:
            thread = threading.Thread(target=self._feed, args=(terms, book, token), daemon=True)
            self._threads[terms.trading_session_id] = thread
            thread.start()

    def _feed(self, terms: SessionTerms, book: OrderBook, token: str) -> None:
        name = f"session {terms.trading_session_id}"
        try:
            with connect("link", settings=self._settings, application_name=f"link {name}") as link:
                if terms.is_replay:
                    link.execute("set synchronous_commit = off")
                wakes = Wakes(link, CHANNEL, terms.account_id)
                session = SessionLink(link, terms, token)
                try:
                    PaperSession(session, book, wakes, self._stop).run()
                except Divergence as error:
                    # This session stops; the others of the account go on.
                    session.report(str(error))
                    self._say(f"{name}: {error}")
            self._say(f"{name}: there are no more bars")
        except Stopped:
            return
        # Whatever it is, the process ends and is started again, and goes through what was recorded.
        except BaseException as error:
            self._failed.append(f"{name}: {type(error).__name__}: {error}")
            self._say(self._failed[-1])
        finally:
            self._over.add(terms.trading_session_id)


def main() -> None:
    with exit_codes():
        only = int(sys.argv[2]) if len(sys.argv) > 2 else None
        process = LinkProcess(Settings.from_environment(), sys.argv[1], only)
        signal.signal(signal.SIGTERM, lambda *_: process.stop())
        if not process.run():
            sys.exit(1)


if __name__ == "__main__":
    main()
