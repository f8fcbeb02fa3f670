"""The machine's own Chromium, headless, and the desk's pages in it. Nothing is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, sync_playwright
from playwright.sync_api import Error as BrowserError

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOW_TO_GET = "Debian: apt-get install chromium; elsewhere set BACKDESK_CHROMIUM to a Chromium or Chrome"
FLAGS = (
    # Root may not have a sandbox, and a container often has a small /dev/shm.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Charts and text come out the same on every machine.
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)
WIDE = ViewportSize(width=1440, height=900)
PATIENCE_SECONDS = 60.0
# A container that starts on the same machine makes the browser drop what it was loading.
NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
ATTEMPTS = 3

# The app counts as not running before it has connected, and a chart's frame is there before its picture.
NOT_DRAWN = """
title => {
  const app = document.querySelector('[data-testid=stApp]');
  const heading = document.querySelector('h1');
  const any = selector => document.querySelector(selector) !== null;
  const hollow = (outer, inner) => [...document.querySelectorAll(outer)].some(
    one => one.checkVisibility() && !one.querySelector(inner));
  const waiting = {
    connection: app === null || app.dataset.testConnectionState !== 'CONNECTED',
    script: app === null || app.dataset.testScriptState !== 'notRunning',
    heading: heading === null || (title !== null && heading.textContent.trim() !== title),
    stale: any('[data-stale=true]'),
    skeleton: any('[data-testid=stAppSkeleton], [data-testid=stSkeleton]'),
    chart: hollow('[data-testid=stVegaLiteChart]', 'canvas, svg'),
    table: hollow('[data-testid=stDataFrame]', 'canvas'),
  };
  return Object.keys(waiting).filter(what => waiting[what]).join(', ');
}
"""


def chromium() -> str | None:
    """The browser's path, or None where there is none."""
    chosen = os.environ.get("BACKDESK_CHROMIUM")
    return shutil.which(chosen) if chosen else next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield opened
        finally:
            opened.close()


@dataclass
class View:
    """One tab on the app: what it shows, and what went wrong in it."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_SECONDS * 1000)
        self.page.on("pageerror", lambda error: self.errors.append(f"raised: {error}"))
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        # The desk is nobody else's business, and has to work where there is no way out.
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.errors.append(f"asked: {request.url}")

    def _heard(self, message: ConsoleMessage) -> None:
        # Streamlit looks for its server below the page's own path first.
        if message.type == "error" and "/_stcore/" not in message.location["url"]:
            self.errors.append(f"console: {message.text} ({message.location['url']})")

    def open(self, path: str = "", title: str | None = None) -> None:
        """Opens a page, such as `run?run=1`, and waits until all of it is drawn."""
        for _ in range(ATTEMPTS):
            try:
                self.page.goto(f"{self.address}/{path}")
                self.settle(title)
                return
            except (BrowserError, RuntimeError):
                if not any(NETWORK_CHANGED in words for words in self.errors):
                    raise
                self.errors.clear()
        raise RuntimeError(f"the machine's network changed during each of {ATTEMPTS} attempts")

    def settle(self, title: str | None = None) -> None:
        """Waits until the script is over and its charts and tables are drawn."""
        try:
            self.page.wait_for_function(f"title => ({NOT_DRAWN})(title) === ''", arg=title)
        except BrowserError as error:
            missing = self.page.evaluate(NOT_DRAWN, title)
            raise RuntimeError(f"{self.page.url} waits for {missing}; {self.complaints()}") from error

    @property
    def text(self) -> str:
        """All words of the page, whatever is scrolled out of sight included."""
        return self.page.locator("[data-testid=stMain]").inner_text()

    def complaints(self) -> list[str]:
        """What a page must never show: exceptions of its script, and errors of the browser's console."""
        exceptions = self.page.locator("[data-testid=stException]").all_inner_texts()
        return [*(f"page: {found}" for found in exceptions), *self.errors]


@contextmanager
def view(opened: Browser, address: str, *, dark: bool = False, size: ViewportSize = WIDE) -> Iterator[View]:
    """A tab without memory of any other."""
    context = opened.new_context(
        viewport=size,
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        timezone_id="UTC",
        accept_downloads=True,
    )
    try:
        yield View(context.new_page(), address)
    finally:
        context.close()


__all__ = ["HOW_TO_GET", "WIDE", "BrowserError", "View", "browser", "chromium", "view"]
