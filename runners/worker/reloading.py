"""Strategies' files that change while a runner lives.

A second zygote reads them, and takes the first one's place when SQL says so. Which code may run what is
for SQL to say, too.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from runners.worker.zygote_client import ZygoteClient, ZygoteError
from strategies.own_files import OwnFiles

if TYPE_CHECKING:
    from runners.worker.queue import Queue

ASK_SECONDS = 2.0


def tell_broken(zygote: ZygoteClient, say: Callable[[str], None]) -> None:
    """Name the files that no run can be of; the others run."""
    for one in zygote.ready.broken:
        say(f"left out: {one['fault']}")


class Reloading:
    """Asked before every claim whether memory is what the files are."""

    def __init__(
        self, files: OwnFiles, start_zygote: Callable[[], ZygoteClient], say: Callable[[str], None]
    ) -> None:
        self._files = files
        self._start_zygote = start_zygote
        self._say = say
        self._fresh: ZygoteClient | None = None
        self._told = False
        self.due: ZygoteClient | None = None
        """The new zygote, once what is held is to be finished and it to be used."""
        self._ask_at = 0.0

    def look(self) -> None:
        """Have the files read where they have been changed since the last look."""
        if self._files.changed():
            self.close()
            self._fresh = self._start_zygote()

    def forget(self) -> bool:
        """What is started from now on has the files as they are; True where they have been changed."""
        changed = self._files.changed() or self._fresh is not None
        self.close()
        return changed

    @property
    def hold_claims(self) -> bool:
        """True while nothing may be begun: SQL does not know yet what the files are, or knows and says so."""
        return self._fresh is not None and (self.due is not None or not self._told)

    def urgent(self) -> Iterator[ZygoteClient]:
        if self._fresh is not None and not self._told:
            yield self._fresh

    def step(self, queue: Queue, runner_id: int, now: float) -> None:
        """Tell what the files are, once it is known, and ask until it is time."""
        if self._fresh is None or self.due is not None:
            return
        if not self._told:
            if not select.select([self._fresh], [], [], 0)[0]:
                return
            try:
                strategies = self._fresh.ready.strategies
            except ZygoteError as error:
                self._say(f"the strategies' files have changed and cannot be read: {error}")
                queue.files_changed(runner_id, (), str(error))
                self.close()
                return
            queue.files_changed(runner_id, (*strategies, *self._fresh.ready.broken))
            tell_broken(self._fresh, self._say)
            self._told = True
        if now >= self._ask_at:
            if queue.may_register_again(runner_id, self._fresh.ready.strategies):
                self.due = self._fresh
            self._ask_at = now + ASK_SECONDS

    def taken(self) -> None:
        """The new zygote is the caller's from now on."""
        self._fresh = None
        self.close()

    def close(self) -> None:
        if self._fresh is not None:
            self._fresh.close()
        self._fresh, self._told, self.due, self._ask_at = None, False, None, 0.0
