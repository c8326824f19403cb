"""A run as a notebook shows it: one picture, drawn anew in its place; elsewhere a line now and then."""

import contextvars
import sys
from collections import deque
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from resumable.clock import Clock, SystemClock
from resumable.monitor.progress import Figures, Headline, Plain, Progress, ProgressView
from resumable.text import bar, safe, span

if TYPE_CHECKING:
    from resumable.engine.run import Watch

REDRAW_SECONDS = 1.0
"""In a notebook: each picture travels to a browser, and may be kept in the file."""

PLAIN_SECONDS = 30.0

NEWS_KEPT = 5
BAR = 40


class Handle(Protocol):
    """What IPython gives for a picture that is shown."""

    def update(self, picture: Any, /) -> None:  # noqa: ANN401 - whatever has a representation
        """Draw another one in its place."""


def show_progress(*, every_seconds: float | None = None, clock: Clock | None = None) -> "Watch":
    """Return what shows a run to people: `job.run(watch=show_progress())`.

    In a notebook it is a bar with figures, drawn anew each second; elsewhere a line on stderr each 30 seconds.
    """
    clock = clock or SystemClock()
    if in_notebook():
        view: ProgressView = NotebookView()
        return Progress(view, clock, every_seconds=every_seconds or REDRAW_SECONDS).watch

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    return Progress(Plain(tell, clock), clock, every_seconds=every_seconds or PLAIN_SECONDS).watch


def in_notebook() -> bool:
    """Tell whether this is the kernel of a notebook; nothing is imported for that."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")


@dataclass(kw_only=True)
class RunPicture:
    """A run at one moment, as a page shows it, and as text."""

    headline: Headline
    figures: Figures | None = None
    news: deque[str] = field(default_factory=lambda: deque(maxlen=NEWS_KEPT))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:  # noqa: ANN401 - as IPython calls it
        return {"text/html": self.html, "text/plain": self.text}

    @property
    def lines(self) -> list[str]:
        """What is said below the bar."""
        found = self.figures
        if found is None:
            return list(self.news)
        totals = found.totals
        left = "-" if found.left_seconds is None else span(found.left_seconds)
        given_up = f" · quarantined {totals.pages_quarantined:,}" if totals.pages_quarantined else ""
        now = f"left {left} · {found.waiting or f'now at {found.at}'}"
        if not found.at:
            now = f"took {span(found.elapsed_seconds)} · all windows are complete"
        return [
            f"{found.percent} · {found.pages} pages · {totals.records:,} records{given_up}",
            f"{found.rate} · {found.workers} workers · 429s {found.rate_limited} · retries {found.retries}",
            f"{now} · windows {totals.windows_done:,} / {totals.windows:,}",
            *(f"! {text}" for text in self.news),
        ]

    @property
    def text(self) -> str:
        """The same without a browser."""
        full, rest = bar(0.0 if self.figures is None else self.figures.share, BAR, plain=False)
        return "\n".join([safe(str(self.headline)), f"{full}{rest}", *map(safe, self.lines)])

    @property
    def html(self) -> str:
        """The same for a browser: nothing of it is fetched, and what a server said is text."""
        share = 0.0 if self.figures is None else self.figures.share
        name, what = escape(safe(self.headline.job)), escape(safe(self.headline.text))
        below = "".join(f"<div>{escape(safe(line))}</div>" for line in self.lines)
        return (
            '<div style="font:13px/1.5 system-ui,sans-serif;max-width:44em;font-variant-numeric:tabular-nums">'
            f"<div><b>{name}</b>&ensp;{what}</div>"
            '<div style="height:8px;margin:4px 0;border-radius:4px;background:rgba(128,128,128,.28)">'
            f'<div style="height:8px;border-radius:4px;background:#2a9d5c;width:{share * 100:.1f}%"></div></div>'
            f'<div style="opacity:.85">{below}</div></div>'
        )


class NotebookView:
    """Draws the figures over themselves in the output of a cell."""

    def __init__(self) -> None:
        """Nothing is shown before a run begins."""
        self._picture = RunPicture(headline=Headline(job="", text=""))
        self._handle: Handle | None = None
        # A kernel finds the cell that an output belongs to by the context of who writes it, and a thread has its own.
        self._context = contextvars.copy_context()

    def begin(self, headline: Headline) -> None:
        """Show the headline."""
        from IPython.display import display

        self._context = contextvars.copy_context()
        self._picture = RunPicture(headline=headline)
        self._handle = display(self._picture, display_id=True)

    def show(self, figures: Figures) -> None:
        """Draw the figures, and keep the last news."""
        self._picture.figures = figures
        self._picture.news.extend(figures.news)
        self._redraw()

    def say(self, text: str) -> None:
        """Put a note below the figures."""
        self._picture.news.append(text)
        self._redraw()

    def end(self) -> None:
        """Leave the last picture where it is."""
        self._redraw()

    def _redraw(self) -> None:
        if self._handle is not None:
            self._context.copy().run(self._handle.update, self._picture)
