"""The process of a session: has the connection, and a child that has the strategy and nothing else.

`python -m runners.live.session_process SESSION`. It hands items of the stream down and orders up, says that
it lives, and stops the session where the strategy hangs, fails or diverges. Killed, it is started again and
its strategy goes through the stream from the begin.
"""

from __future__ import annotations

import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg

from runners.database.connection import connect
from runners.live.child_process import ChildProcess
from runners.live.code_copy import checked
from runners.live.session_broker import Divergence
from runners.live.steps import OrderTerms
from runners.live.strategy_connection import RowsRefused, StrategyConnection, session_terms
from runners.live.wire import WireClosed
from runners.reporting import exit_codes
from runners.settings import Settings
from runners.worker.process_limits import resident_megabytes

LOOK_SECONDS = 1.0
START_SECONDS = 60.0
CATCH_UP_SECONDS = 0.1
"""How long a strategy may take to be imported, and for a step that it goes through again."""
TERMS = "select desk.session_terms(%s::bigint)"
Say = Callable[[str], None]


class Superseded(Exception):
    """Another process has the session."""


class Fault(Exception):
    """The strategy's run is over; `rule` says how."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


class SessionProcess:
    """Serves one child until the stream or something else ends it."""

    def __init__(self, settings: Settings, session_id: int, say: Say = print) -> None:
        self._settings, self._session_id, self._say = settings, session_id, say

    def run(self) -> bool:
        """True at the end of the stream, False after a fault or where another process has the session."""
        name = f"session {self._session_id}"
        with connect("trader", settings=self._settings, application_name=name) as trader:
            document = trader.execute(TERMS, (self._session_id,)).fetchone()
            terms = session_terms(trader, self._session_id)
            copy = checked(self._settings.home, terms.code_copy)
            if terms.is_replay:
                # What a crash of the server takes of a replay, it takes from its end.
                trader.execute("set synchronous_commit = off")
            self._side = StrategyConnection(trader, terms)
            self._child = ChildProcess(copy, (document or ({},))[0])
            self._say(f"{name}: {terms.strategy} runs as process {self._child.pid}")
            try:
                self._serve(terms.seconds_per_step, terms.memory_mb)
            except Fault as fault:
                self._child.end()
                self._say(f"{name}: {fault.rule}: {fault}")
                self._side.report(fault.rule, str(fault))
                return False
            except (Superseded, psycopg.errors.ObjectNotInPrerequisiteState):
                self._say(f"{name}: another process runs it now")
                return False
            finally:
                self._child.end()
        self._say(f"{name}: its stream has ended")
        return True

    def _serve(self, seconds_per_step: float, memory_mb: float) -> None:
        """Until the child says that it has come to the end."""
        wire, side = self._child.wire, self._side
        self._waits_after: int | None = None
        self._late_at = time.monotonic() + START_SECONDS + seconds_per_step
        while True:
            # What is said while a statement runs is not seen by select().
            woken = side.wakes.woken()
            readable, _, _ = select.select([wire, side.wakes], [], [], 0 if woken else LOOK_SECONDS)
            if side.beat() == "superseded":
                raise Superseded
            if woken or not readable:
                self._hand_down()
            if wire in readable:
                try:
                    for message in wire.received():
                        if self._obey(message):
                            return
                except WireClosed:
                    raise self._ended() from None
            if self._waits_after is None and time.monotonic() > self._late_at:
                raise Fault("strategy hangs", f"no end of a step after {seconds_per_step:.15g} s")
            if resident_megabytes(self._child.pid) > memory_mb + BASE_MEMORY_MB:
                raise Fault("strategy failed", f"its process took more than {memory_mb:.0f} MB")

    def _obey(self, message: dict[str, Any]) -> bool:
        """True at the end."""
        side, wire = self._side, self._child.wire
        match message:
            case {"do": "fetch", "after": after}:
                self._waits_after = after
                self._hand_down()
            case {"do": "submit", "orders": orders}:
                wire.tell(reasons=self._asked([OrderTerms(**terms) for terms in orders]))
                # After the answer, so that the strategy need not wait for it.
                side.wake_link()
            case {"do": "cancel", "key": key}:
                side.cancel(key)
                wire.tell(done=True)
                side.wake_link()
            case {"do": "rows", "rows": rows, "keys": keys}:
                try:
                    side.record_rows(rows, keys)
                except RowsRefused as error:
                    raise Fault("strategy failed", f"what it logged cannot be stored: {error}") from error
            case {"do": "fault", "rule": rule, "reason": reason}:
                raise Fault(rule, reason)
            case {"do": "end"}:
                return True
        return False

    def _asked(self, orders: list[OrderTerms]) -> list[str | None]:
        try:
            return self._side.submit(orders)
        except Divergence as error:
            raise Fault("strategy diverged", str(error)) from error

    def _hand_down(self) -> None:
        """Gives the child what there is, where it waits for it."""
        if self._waits_after is None:
            return
        try:
            items = self._side.read(self._waits_after)
        except Divergence as error:
            raise Fault("strategy diverged", str(error)) from error
        if items:
            self._waits_after = None
            # What is gone through again comes many steps at a time.
            more = CATCH_UP_SECONDS * (len(items) - 1)
            self._late_at = time.monotonic() + self._side.terms.seconds_per_step + more
            parts = (f'[{number},"{kind}",{item}]' for number, kind, item in items)
            self._child.wire.send(f'{{"items":[{",".join(parts)}]}}')

    def _ended(self) -> Fault:
        code = self._child.wait(5)
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return Fault("strategy failed", f"its process ended by itself with {how}")


BASE_MEMORY_MB = 512.0
"""What Python, Backtrader and the stream take by themselves."""


def main() -> None:
    with exit_codes():
        # As Ctrl-C: the child ends with it.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if not SessionProcess(Settings.from_environment(), int(sys.argv[1])).run():
            sys.exit(1)


if __name__ == "__main__":
    main()
