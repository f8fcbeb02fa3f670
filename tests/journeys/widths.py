"""What of a page a window cuts off: measured in the browser, element by element."""

from __future__ import annotations

import time
from collections.abc import Sequence

from playwright.sync_api import ViewportSize

from testing.chromium import View

WIDTHS = (1440, 900, 420)
"""A screen, half of one, a phone."""
REST_MILLISECONDS = 200
# Charts draw themselves once more after the window has changed.
PATIENCE_SECONDS = 8.0

# A table scrolls by itself, and a tooltip's or menu's place is not the page's.
CUT = """
() => {
  const found = [];
  const main = document.querySelector('[data-testid=stMain]');
  if (main.scrollWidth > main.clientWidth + 1)
    found.push(`page ${main.scrollWidth} of ${main.clientWidth}`);
  const width = document.documentElement.clientWidth;
  const names = ['stVegaLiteChart', 'stDataFrame', 'stMetric', 'stMetricValue', 'stMarkdown',
    'stCaptionContainer',
    'stAlert', 'stSelectbox', 'stButtonGroup', 'stProgress', 'stCode', 'stExpander'];
  for (const name of names) {
    for (const one of document.querySelectorAll(`[data-testid=${name}]`)) {
      if (!one.checkVisibility()) continue;
      const box = one.getBoundingClientRect();
      if (box.right > width + 1 || box.left < -1) {
        found.push(`${name} to ${Math.round(box.right)} of ${width}`);
      }
    }
  }
  for (const one of document.querySelectorAll('[data-testid=stVegaLiteChart]')) {
    const drawn = one.querySelector('canvas, svg');
    if (one.checkVisibility() && drawn && drawn.getBoundingClientRect().width > one.clientWidth + 1) {
      found.push(`chart ${Math.round(drawn.getBoundingClientRect().width)} of ${one.clientWidth}`);
    }
  }
  for (const one of document.querySelectorAll('[data-testid=stMetricValue], [data-testid=stMetricLabel]')) {
    const text = one.querySelector('div, p') || one;
    if (text.scrollWidth > text.clientWidth + 1) found.push(`${one.dataset.testid} "${one.textContent}"`);
  }
  return found;
}
"""


def cut(view: View, widths: Sequence[int] = WIDTHS) -> dict[int, list[str]]:
    """By the width of the window, what does not fit in it; widths at which all does are left out."""
    found = {}
    before = view.page.viewport_size
    for width in widths:
        view.page.set_viewport_size(ViewportSize(width=width, height=900))
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            view.page.wait_for_timeout(REST_MILLISECONDS)
            found[width] = list(view.page.evaluate(CUT))
            if not found[width] or time.monotonic() > until:
                break
    if before is not None:
        view.page.set_viewport_size(before)
    return {width: what for width, what in found.items() if what}
