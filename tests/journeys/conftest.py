"""Journeys of a person: a real Chromium before a real `backdesk app`, with a real runner behind it.

Without a browser they are skipped, which pytest's summary says in one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from testing import chromium, desks, served
from testing.chromium import View
from testing.desks import Desk

HERE = Path(__file__).parent


# Its event loop, on which it stays, would be in the way of tests outside of this folder.
@pytest.fixture(scope="package")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    path = chromium.chromium()
    if path is None:
        # All from one place and with one reason, so that the summary makes one line of them.
        names = [item.name for item in request.session.items if item.path.is_relative_to(HERE)]
        pytest.skip(f"no Chromium for {', '.join(names)}. {chromium.HOW_TO_GET}")
    with chromium.browser(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def served_desk(browser: Browser, built_template: Desk) -> Iterator[Desk]:
    """A desk as after `backdesk up`, for this module: nothing is loaded, queued or known of any runner."""
    with desks.clone(built_template) as desk:
        desk.publish_strategies()
        yield desk


@pytest.fixture(scope="module")
def address(served_desk: Desk) -> Iterator[str]:
    with served.app(served_desk.environment) as address:
        yield address


@pytest.fixture
def view(browser: Browser, address: str) -> Iterator[View]:
    """A tab on the app. What the page complained of fails the test that looked at it."""
    with chromium.view(browser, address) as opened:
        yield opened
        assert opened.complaints() == []
