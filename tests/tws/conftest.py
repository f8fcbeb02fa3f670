"""Every test here runs watched, with the client's own reports of trouble kept quiet."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.tws.watching import watched


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    for name in ("ib_async.client", "ib_async.wrapper", "ib_async.ib"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with watched():
        yield
