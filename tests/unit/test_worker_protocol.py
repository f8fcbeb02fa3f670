"""Messages survive any cutting into pieces; nonsense is refused."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.worker.protocol import ChildEnded, FrameReader, PointBegan, ProtocolError, pack

MESSAGES = [PointBegan(7), ChildEnded(1, -1, 11), {"equity": [1.5] * 1000}, PointBegan(8)]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_messages_arrive_whole_however_they_are_cut(cuts: list[int]) -> None:
    data = b"".join(map(pack, MESSAGES))
    reader, at = FrameReader(), 0
    received: list[Any] = []
    for cut in cuts:
        received += reader.feed(data[at : at + cut])
        at += cut
    received += reader.feed(data[at:])
    assert received == MESSAGES


@pytest.mark.parametrize("data", [b"\xff" * 8, struct.pack("!I", 3) + b"abc"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(FrameReader().feed(data))


def test_the_end_of_a_child_is_told_by_its_signal_or_code() -> None:
    assert ChildEnded(1, -1, 11).describe() == "the child process was ended by signal 11 (SIGSEGV)"
    assert (
        ChildEnded(1, 3, 0).describe()
        == "the child process ended itself with exit code 3 before it had a result"
    )
