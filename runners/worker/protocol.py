"""Messages between the worker, its zygote and its children: pickles with their length in front."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runners.engines.base import AdjustedPrices, Point, PointRange, RunSettings
from runners.worker.block_image import BlockImage
from strategies.session_rows import Row

HEADER = struct.Struct("!I")
FRAME_LIMIT = 512 * 1024 * 1024


class ProtocolError(RuntimeError):
    """The other end sent something that is no message."""


# Worker to zygote


@dataclass(frozen=True)
class LoadPrices:
    """Keep these series under a key until told to forget them."""

    key: str
    series: tuple[AdjustedPrices, ...]


@dataclass(frozen=True)
class ForgetPrices:
    key: str


@dataclass(frozen=True)
class StartChild:
    """Fork a child for these points; the write end of its pipe travels with this message."""

    child_id: int
    settings: RunSettings
    prices_key: str
    points: tuple[Point, ...] | tuple[PointRange, ...]
    plan: Mapping[str, Any] | None = None
    """How ordinals of a run in bulk are decoded; its points are ranges."""


@dataclass(frozen=True)
class KillChild:
    child_id: int


# Zygote to worker


@dataclass(frozen=True)
class Ready:
    """The zygote has imported engines and strategies; `error` says why it could not."""

    engines: tuple[str, ...]
    strategies: tuple[dict[str, object], ...]
    error: str | None = None
    broken: tuple[dict[str, object], ...] = ()
    """Files of the user's that cannot be loaded: file and fault."""


@dataclass(frozen=True)
class ChildStarted:
    child_id: int
    pid: int


@dataclass(frozen=True)
class ChildEnded:
    """`signal` is the number of the signal that ended it, else `exit_code` says how it ended itself."""

    child_id: int
    exit_code: int
    signal: int
    error: str | None = None

    def describe(self) -> str:
        if self.error:
            return self.error
        if self.signal:
            return f"the child process was ended by signal {self.signal} ({signal_name(self.signal)})"
        return f"the child process ended itself with exit code {self.exit_code} before it had a result"


# Child to worker, besides PointFailure


@dataclass(frozen=True)
class PointBegan:
    ordinal: int


@dataclass(frozen=True)
class PointFinished:
    """`image` is the result as the database receives it, see result_image()."""

    ordinal: int
    image: bytes


@dataclass(frozen=True)
class BlockFinished:
    """A range of points of a run in bulk; `ordinal` is its first."""

    ordinal: int
    image: BlockImage


@dataclass(frozen=True)
class SessionRows:
    """What the strategy of a point has logged since it last said so."""

    ordinal: int
    rows: tuple[Row, ...]


def signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def pack(message: object) -> bytes:
    """A message as it travels."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def write_all(descriptor: int, data: bytes) -> None:
    """Write to a blocking descriptor until nothing is left."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class FrameReader:
    """Puts messages together from the pieces in which a pipe delivers them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield every message that is complete now; ProtocolError where the length is absurd."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            if length > FRAME_LIMIT:
                raise ProtocolError(f"a message of {length} bytes was announced; the limit is {FRAME_LIMIT}")
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            try:
                message = pickle.loads(body)
            except Exception as error:
                raise ProtocolError(f"a message of {length} bytes cannot be read: {error}") from error
            yield message
