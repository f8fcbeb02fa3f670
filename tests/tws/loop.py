"""A loop for what talks to a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def played_out(scene: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own: in this one the loop of a browser may be running, and would run on."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, scene).result()
