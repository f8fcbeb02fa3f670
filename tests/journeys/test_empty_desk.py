"""Every page opens on a desk on which nothing has happened, and says what to do."""

from __future__ import annotations

import pytest

from testing.chromium import View
from tests.journeys.pages import PAGES


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_an_empty_desk(view: View, path: str) -> None:
    view.open(path, PAGES[path])
    assert view.page.locator("[data-testid=stAlert]").count() > 0
    assert view.page.get_by_text("Deploy").count() == 0
