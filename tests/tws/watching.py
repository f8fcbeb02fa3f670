"""What no test of a link may do: nothing is sent twice, nothing stays unread or unanswered."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tests.tws import broker

DECODERS = ("ib_async.Decoder", "ib_insync.Decoder")


class _Unread(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def watched() -> Iterator[None]:
    """Fails where a reference was sent twice, a message had no handler, or the client could not read one."""
    broker.made.clear()
    unread = _Unread()
    loggers = [logging.getLogger(name) for name in DECODERS]
    for logger in loggers:
        logger.addHandler(unread)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(unread)
    assert unread.said == []
    for one in broker.made:
        assert one.unanswered == []
        assert one.twice == []
