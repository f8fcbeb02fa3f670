"""The link: it connects, finds out what happened meanwhile, and only then carries orders; over and over."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from runners.live.ib.connection import Connection, Ended, Terms
from runners.live.ib.library import Library
from runners.live.ib.look import Looker
from runners.live.ib.recorder import Recorder
from runners.live.ib.rows import Rows
from runners.live.ib.sender import Sender
from runners.live.ib.wire import NoAnswer, Refused, Wire
from runners.live.ib.words import Word

LONGEST_PAUSE = 30.0
REFUSED_PAUSE = 15.0
AWAY_SECONDS = 600.0


class Link:
    """One account's. Times are in seconds; tests make them short."""

    def __init__(
        self,
        rows: Rows,
        terms: Terms,
        library: Library,
        *,
        beat_seconds: float = 1.0,
        poll_seconds: float = 0.1,
        pause_seconds: float = 0.5,
        deadline: float = 10.0,
    ) -> None:
        self.rows, self.terms, self.library = rows, terms, library
        self.beat_seconds, self.poll_seconds = beat_seconds, poll_seconds
        self.pause_seconds, self.deadline = pause_seconds, deadline
        self.contracts: dict[str, Any] = {}
        self.recorded_ids: set[object] = set()
        self.at: Connection | None = None
        self.failures = 0

    async def run(self) -> None:
        """Until it is cancelled, or SQL says that another link has the account."""
        away_since: float | None = None
        while True:
            try:
                await self._connect_and_serve()
            except (Ended, Refused) as ended:
                was_ready = self.at is not None and self.at.is_settled
                at_once = isinstance(ended, Ended) and ended.at_once
                refused = ended.is_refused if isinstance(ended, Ended) else ended.said is not None
                self.at = None
                now = asyncio.get_running_loop().time()
                away_since = now if was_ready or away_since is None else away_since
                if not at_once:
                    await self._pause(str(ended), refused, now - away_since)

    async def _pause(self, why: str, refused: bool, away: float) -> None:
        """Backs off, without a limit in number, and beats meanwhile."""
        seconds = min(LONGEST_PAUSE, self.pause_seconds * 2 ** min(self.failures, 10))
        seconds = max(seconds, REFUSED_PAUSE * min(1, self.pause_seconds * 2)) if refused else seconds
        self.failures += 1
        await self.rows.beat("lost")
        await self.rows.record_event("client", f"no connection: {why}", is_alert=refused)
        if away > AWAY_SECONDS:
            await self.rows.record_event(
                "client",
                "the gateway has been away for ten minutes: its weekly log-in may wait for somebody's second"
                " factor, on Sundays as a rule",
            )
        end = asyncio.get_running_loop().time() + seconds * random.uniform(0.5, 1)
        while (left := end - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(min(left, self.beat_seconds))
            await self.rows.beat("lost")

    async def _connect_and_serve(self) -> None:
        await self.rows.beat("connecting")
        words: asyncio.Queue[Word | asyncio.Future[None]] = asyncio.Queue()
        wire = Wire(self.library, words.put_nowait, deadline=self.deadline)
        try:
            accounts = await wire.connect(self.terms.host, self.terms.port, self.terms.client_id)
            await self.rows.check_account(accounts)
            number = await self.rows.begin_connection()
            self.at = Connection(wire, self.rows, self.terms, self.library, number, words, self.recorded_ids)
            await self._serve(self.at)
        finally:
            wire.close()

    async def _serve(self, at: Connection) -> None:
        sender = Sender(at, self.contracts, self.poll_seconds)
        looker = Looker(at, sender)
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in (Recorder(at).run(), self._beat(at), looker.run(), sender.run()):
                    tasks.create_task(part)
        except BaseExceptionGroup as group:
            # The first that failed ended the others.
            raise group.exceptions[0] from None

    async def _beat(self, at: Connection) -> None:
        while True:
            at.changed.clear()
            answer = await self.rows.beat(at.state)
            at.may_send = answer["may_send"] and at.state == "ready"
            if at.is_settled:
                self.failures = 0
            for order_id in answer["overdue"]:
                at.said.pop(order_id, None)
                at.look("no word of an order")
            await self._probe(at)
            try:
                async with asyncio.timeout(self.beat_seconds):
                    await at.changed.wait()
            except TimeoutError:
                pass

    async def _probe(self, at: Connection) -> None:
        """A half-open socket stays connected for ever: what says nothing is asked."""
        silent = asyncio.get_running_loop().time() - at.wire.heard_at
        if silent < self.terms.probe_seconds:
            return
        try:
            await at.wire.time(self.terms.probe_seconds)
        except NoAnswer as error:
            at.wire.abort()
            raise Ended(f"the gateway says nothing: {error}", at_once=True) from error
