"""Every page opens on a desk on which nothing has happened, and says what to do."""

from __future__ import annotations

from testing.chromium import View
from tests.journeys.pages import PAGES


def test_the_pages_of_an_empty_desk_one_after_the_other(view: View) -> None:
    """By the links above them, as a person walks; the demo's desk is opened by each page's address."""
    view.open("", PAGES[""])
    for path, title in PAGES.items():
        view.page.get_by_test_id("stTopNavLink").filter(has_text=title).click()
        view.settle(title)
        assert view.page.url == f"{view.address}/{path}"
        assert view.page.locator("[data-testid=stAlert]").count() > 0, title
        assert view.page.get_by_text("Deploy").count() == 0
        assert view.complaints() == []
