"""What a hand does to Streamlit's widgets, named as the person sees them."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from testing.chromium import View

# Of the grid that draws tables, in pixels.
ROW_HEIGHT = 35
TICK = 18
HOVER_MILLISECONDS = 300


def choose(view: View, label: str, option: str) -> None:
    """One of a select box, or one more of a multiple choice: typed and entered."""
    field = view.page.get_by_label(label, exact=True).and_(view.page.locator("input"))
    field.click()
    field.fill(option)
    field.press("Enter")
    view.settle()
    several = view.page.get_by_test_id("stMultiSelect").filter(has=field)
    if several.count():
        expect(several).to_contain_text(option)
    else:
        expect(field).to_have_value(option)


def write(view: View, label: str, text: str) -> None:
    """A number or a word, which counts once the field is left."""
    field = view.page.get_by_label(label, exact=True).and_(view.page.locator("input, textarea"))
    field.fill(text)
    field.press("Tab")
    view.settle()


def press(view: View, name: str) -> None:
    view.page.get_by_role("button", name=name).click()
    view.settle()


def click_row(view: View, table: Locator, row: int, x: int) -> None:
    """Clicks in a table's row, from 0 below the heads; `x` in pixels from the table's left edge."""
    y = ROW_HEIGHT * (row + 1) + ROW_HEIGHT // 2
    canvas = table.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    # The grid follows the pointer, and takes a click only where it has seen it come.
    view.page.mouse.move(box["x"] + x - 5, box["y"] + y)
    view.page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
    view.page.wait_for_timeout(HOVER_MILLISECONDS)
    view.page.mouse.click(box["x"] + x, box["y"] + y)
