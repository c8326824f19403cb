"""Makes the pictures of the README: `python -m tests.report.screenshots FOLDER` writes report-*.png and watch.png."""

import io
import random
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import FloatRect
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from resumable.cli.text.watch_screen import Screen, drawn
from resumable.manifest.store import Manifest
from resumable.models import EventKind, JobState
from resumable.monitor.watch import Watch
from resumable.report import document
from resumable.storage.job_files import REPORT, JobFiles
from resumable.storage.lock import hold
from tests.report.browser import LOOKS, Look, chromium, opened
from tests.support import manifest_jobs as jobs
from tests.support.clock import VirtualClock

TALL = {"light": 1480, "dark": 1480, "phone": 2080}
"""Pixels of the page that are shown, from its top."""


def job(state: Path, clock: VirtualClock) -> Path:
    """Make a job of nine months that ran for hours, with some trouble, and is nearly done."""
    dice = random.Random(11)
    manifest = jobs.make(state, clock, name="conversations-2023-10", days=274)
    for windows, trouble, rest in ((120, 0.0, 900.0), (70, 0.06, 1500.0), (66, 0.004, 0.0)):
        jobs.work(manifest, clock, dice, windows=windows, trouble=trouble)
        clock.sleep(rest)
    manifest.event(EventKind.WARNING, "the server's clock is 3 s ahead of this machine's")
    manifest.set_state(JobState.INTERRUPTED)
    jobs.drift(manifest, {"conversations[].participants[].sessions[].agentBullseyeRing": 14_120})
    manifest.close()
    return state / "conversations-2023-10"


def watched(folder: Path, clock: VirtualClock) -> str:
    """Return the terminal view of the job, as a page with its colours."""
    manifest = Manifest.open(folder / "manifest.sqlite", clock)
    assert manifest is not None
    manifest.set_state(JobState.RUNNING)
    with hold(folder / "lock", job=folder.name, now=clock.now()), closing(manifest):
        view = Watch(JobFiles.at(folder), clock).look()
    assert view is not None
    console = Console(file=io.StringIO(), width=92, record=True, force_terminal=True, color_system="truecolor")
    console.print(Text("\n").join(drawn(view, Screen(width=92, height=28, plain=False))))
    look = "body { margin: 0; padding: 16px; } pre { font: 15px/1.3 'DejaVu Sans Mono', monospace; margin: 0; }"
    return console.export_html(theme=MONOKAI).replace("<style>", f"<style>{look}")


def main(to: Path) -> None:
    """Take the pictures."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        clock = VirtualClock()
        made = job(Path(folder), clock)
        document.write(JobFiles.at(made), None, now=clock.now())
        for name, look in LOOKS.items():
            with opened(browser, made / REPORT, replace(look, sharp=1.25 if name == "phone" else 1.0)) as found:
                clip = FloatRect(x=0, y=0, width=look.width, height=TALL[name])
                found.page.screenshot(path=to / f"report-{name}.png", clip=clip, full_page=True)
        (made / "watch.html").write_text(watched(made, clock))
        with opened(browser, made / "watch.html", Look(width=880, height=560)) as found:
            found.page.screenshot(path=to / "watch.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
