"""The redrawn lines of a run on a terminal."""

import contextlib
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from resumable.cli.session import only_ascii
from resumable.monitor.progress import Figures, Headline
from resumable.text import bar, safe, span

if TYPE_CHECKING:
    from rich.console import RenderableType

BAR_MOST = 48
BAR_LEAST = 8


class Display:
    """Draws the figures over themselves, with news above them."""

    def __init__(self, file: TextIO, *, colours: bool) -> None:
        """`file` is a terminal."""
        self._console = Console(file=file, no_color=not colours, highlight=False, soft_wrap=True)
        self._plain = only_ascii(file)
        self._headline = Headline(job="", text="")
        self._note = ""
        self._figures: Figures | None = None
        # Redrawn by whoever brings figures: a thread of rich's own would keep its own time.
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    def begin(self, headline: Headline) -> None:
        """Draw the headline, and take the terminal."""
        self._headline = Headline(job=safe(headline.job), text=safe(headline.text))
        with contextlib.suppress(OSError):
            self._live.start()
            self._redraw()

    def show(self, figures: Figures) -> None:
        """Draw the figures, with one line above them for each piece of news."""
        self._figures = figures
        with contextlib.suppress(OSError):  # the terminal has gone; the run has not
            for text in figures.news:
                self._console.print(Text(f"! {text}", style="yellow"), soft_wrap=False)
            self._redraw()

    def say(self, text: str) -> None:
        """Put a note below the figures, or write it where there are none."""
        self._note = safe(text)
        with contextlib.suppress(OSError):
            if self._live.is_started:
                self._redraw()
            else:
                self._console.print(Text(self._note))

    def end(self) -> None:
        """Leave the last figures where they are, and give the terminal back."""
        with contextlib.suppress(OSError):
            self._redraw()
            self._live.stop()

    def _redraw(self) -> None:
        head = self._headline
        lines: list[RenderableType] = [_cropped((head.job, "bold"), ("  " + self._ascii(head.text), ""))]
        if self._figures is not None:
            lines += self._drawn(self._figures)
        if self._note:
            lines.append(_cropped((self._note, "yellow")))
        self._live.update(Group(*lines), refresh=True)

    def _drawn(self, figures: Figures) -> list["RenderableType"]:
        totals = figures.totals
        tail = f"  {figures.percent}  {figures.pages}   {totals.records:,} records"
        width = max(BAR_LEAST, min(BAR_MOST, self._console.width - 9 - len(tail) - 1))
        full, rest = bar(figures.share, width, plain=self._plain)
        limited = "yellow" if figures.rate_limited else ""
        quarantined = f"   quarantined {totals.pages_quarantined:,}" if totals.pages_quarantined else ""
        name, left = "left", "-" if figures.left_seconds is None else span(figures.left_seconds)
        now = figures.waiting or f"now at {figures.at}"
        if not figures.at:
            name, left, now = "took", span(figures.elapsed_seconds), "all windows are complete"
        return [
            _cropped(("pages    ", "dim"), (full, "green"), (rest, "dim"), (tail, "")),
            _cropped(
                ("rate     ", "dim"),
                (f"{figures.rate}   {figures.workers} workers   ", ""),
                (f"429s {figures.rate_limited}", limited),
                (f"   retries {figures.retries}   {figures.token}", ""),
            ),
            _cropped(
                (f"{name}     ", "dim"),
                (f"{left}   {now}   windows {totals.windows_done:,} / {totals.windows:,}", ""),
                (quarantined, "yellow"),
            ),
        ]

    def _ascii(self, text: str) -> str:
        return text.replace("·", "-") if self._plain else text


def _cropped(*pieces: tuple[str, str]) -> Text:
    # A line that wraps would be counted as one when it is drawn over, and leave its tail on the screen.
    return Text.assemble(*((text, style) for text, style in pieces if text), no_wrap=True, overflow="crop")
