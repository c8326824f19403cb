"""A real Chromium without a window, driven from a test: what a reader of a report sees, and what the page tries."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.support.machine import LACKS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

NEEDED = pytest.mark.skipif(CHROMIUM is None, reason=f"{LACKS} a Chromium (package chromium)")


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a page is looked at."""

    width: int
    height: int
    dark: bool = False
    sharp: float = 1.0
    """Pixels of the screen for one of the page."""


LOOKS = {
    "light": Look(width=1200, height=900),
    "dark": Look(width=1200, height=900, dark=True),
    "phone": Look(width=390, height=844, sharp=2.0),
}


@dataclass(kw_only=True)
class Opened:
    """A page that was opened, and all that it did."""

    page: Page
    said: list[str] = field(default_factory=list)
    """On the console, errors of scripts and refusals of the page's policy too."""
    asked: list[str] = field(default_factory=list)
    """Addresses."""

    @property
    def sideways(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def opened(browser: Browser, path: Path, look: Look) -> Iterator[Opened]:
    """Open a file as someone does who has it in a mail."""
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme="dark" if look.dark else "light",
        device_scale_factor=look.sharp,
    )
    try:
        found = Opened(page=context.new_page())

        def say(message: ConsoleMessage) -> None:
            found.said.append(f"{message.type}: {message.text}")

        def ask(request: Request) -> None:
            found.asked.append(request.url)

        found.page.on("console", say)
        found.page.on("pageerror", lambda error: found.said.append(f"pageerror: {error}"))
        found.page.on("request", ask)
        found.page.goto(path.as_uri(), wait_until="load")
        yield found
    finally:
        context.close()
