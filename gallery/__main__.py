"""Fills a desk, walks a headless Chromium over every page, and writes docs/gallery/."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize

from gallery.desk import at_work, desk
from gallery.pages import Portrait, portraits
from runners.database.connection import connect
from testing import PROJECT_ROOT, chromium, served

FOLDER = PROJECT_ROOT / "docs" / "gallery"
WIDTH, LEAST_HEIGHT, MOST_HEIGHT = 1440, 600, 8000
# Charts draw themselves once more after the window has changed.
REST_MILLISECONDS = 1500
MOST_BYTES = 400_000
LET_GO = """
() => {
  document.activeElement.blur();
  document.querySelector('[data-testid=stMain]').scrollTop = 0;
}
"""
HEIGHT = """
() => {
  const main = document.querySelector('[data-testid=stMain]');
  const last = document.querySelector('[data-testid=stMainBlockContainer] [data-testid=stVerticalBlock]');
  return Math.ceil(last.getBoundingClientRect().bottom + main.scrollTop);
}
"""


def main() -> None:
    path = chromium.chromium()
    if path is None:
        sys.exit(f"error: there is no Chromium here. {chromium.HOW_TO_GET}")
    began = time.perf_counter()
    print("filling a desk of its own, as `make demo` does", flush=True)
    with desk() as settings, served.app({}) as address, chromium.browser(path) as browser:
        with connect("viewer", settings=settings) as viewer:
            chosen = portraits(viewer)
        FOLDER.mkdir(parents=True, exist_ok=True)
        complaints = [
            words for one in chosen if not one.at_work for words in _take(browser, address, one, FOLDER)
        ]
        with at_work(settings):
            complaints += [
                words for one in chosen if one.at_work for words in _take(browser, address, one, FOLDER)
            ]
    (FOLDER / "README.md").write_text(_index(chosen), encoding="utf-8")
    print(f"wrote {FOLDER.relative_to(PROJECT_ROOT)} in {time.perf_counter() - began:.0f} s")
    if complaints:
        sys.exit("\n".join(f"error: {words}" for words in complaints))


def _take(browser: Browser, address: str, portrait: Portrait, folder: Path) -> list[str]:
    """Writes the picture; returns what the page complained of."""
    with chromium.view(browser, address, dark=portrait.dark) as view:
        view.open(portrait.path.lstrip("/"), portrait.title)
        if portrait.prepare is not None:
            portrait.prepare(view)
            view.page.evaluate(LET_GO)
        # A short address is made a whole one, with which the page is drawn once more.
        view.page.wait_for_timeout(REST_MILLISECONDS)
        view.settle(portrait.title)
        height = min(max(int(view.page.evaluate(HEIGHT)) + 24, LEAST_HEIGHT), MOST_HEIGHT)
        view.page.set_viewport_size(ViewportSize(width=WIDTH, height=height))
        view.page.wait_for_timeout(REST_MILLISECONDS)
        view.settle(portrait.title)
        file = folder / f"{portrait.name}.png"
        view.page.screenshot(path=file)
        _compress(file)
        print(f"  {file.name:<24} {WIDTH} x {height}, {file.stat().st_size // 1024} kB", flush=True)
        return [f"{portrait.name}: {words}" for words in view.complaints()]


def _compress(file: Path) -> None:
    """Without a loss where that is small enough: a palette swallows the colour of a single dot."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    picture.save(file, optimize=True)
    if file.stat().st_size > MOST_BYTES:
        picture.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, optimize=True)


def _index(chosen: Sequence[Portrait]) -> str:
    parts = ["# The pages", "Made by `make screenshots`: the demo's desk in headless Chromium."]
    for one in chosen:
        heading = f"## {one.title}" + (", dark" if one.dark else "")
        parts += [heading, one.words, f"![{one.title}]({one.name}.png)"]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
