"""Shows how far anything is that takes a while: one line drawn over itself on a terminal, plain lines elsewhere."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from resumable.cli.session import Session, only_ascii
from resumable.monitor.progress import REDRAW_SECONDS
from resumable.text import bar, safe, span

BAR = 24
_CLEAR = "\r\x1b[K"

LEFT_NEEDS_SECONDS = 3.0
"""Before that, a time left says more about the start than about the rest."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far it is at one moment."""

    text: str
    share: float | None = None
    """From 0 to 1; None where nobody knows how much there is."""


class Counted:
    """How far it is by a count: what is handed to whoever does the work."""

    def __init__(self) -> None:
        """Nothing is done yet, and how much there is nobody has said."""
        self._done, self._of, self._things = 0, 0, ""

    def __call__(self, done: int, of: int, things: str) -> None:
        """Take in how many are done of how many, and what they are called."""
        self._done, self._of, self._things = done, of, things

    def look(self) -> Step:
        """Say how far it is."""
        if not self._of:
            return Step(text="")
        share = min(1.0, self._done / self._of)
        return Step(text=f"{self._done:,} / {self._of:,} {self._things}", share=share)


class Steps:
    """Draws, from a thread of its own, so that nothing is silent while one step takes long."""

    def __init__(self, session: Session, what: str, look: Callable[[], Step]) -> None:
        """`look` says how far it is; it is called from another thread."""
        self._session = session
        self._what = what
        self._look = look
        self._condition = threading.Condition(threading.RLock())
        self._over = True
        self._drawn = False
        self._paused = False
        self._every = REDRAW_SECONDS if session.live else session.plain_seconds
        self._begun = self._shown = session.clock.monotonic()

    @contextlib.contextmanager
    def going(self) -> Iterator["Steps"]:
        """Show how far it is until this is left."""
        self._over, self._begun = False, self._session.clock.monotonic()
        self._shown = self._begun
        thread = threading.Thread(target=self._go_on, name="steps", daemon=True)
        thread.start()
        self._session.drawing = self if self._session.live else None
        try:
            yield self
        finally:
            self._session.drawing = None
            with self._condition:
                self._over = True
                self._clear()
                self._condition.notify_all()
            thread.join()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away while something else is written, or drawn, in its place."""
        with self._condition:
            self._clear()
            yield

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Draw nothing until this is left."""
        with self._condition:
            self._clear()
            self._paused = True
        try:
            yield
        finally:
            with self._condition:
                self._paused = False

    def tick(self) -> None:
        """Show how far it is, where that was not done for long."""
        with self._condition:
            now = self._session.clock.monotonic()
            if not self._over and not self._paused and now - self._shown >= self._every:
                self._show()

    def _go_on(self) -> None:
        with self._condition:
            while not self._over:
                self._session.clock.wait(self._condition, self._every)
                if not self._over and not self._paused:
                    self._show()

    def _show(self) -> None:
        self._shown = self._session.clock.monotonic()
        step, took = self._look(), self._shown - self._begun
        left = ""
        if step.share and took >= LEFT_NEEDS_SECONDS:
            left = f"left {span(took / step.share * (1 - step.share))}"
        facts = [step.text, left or span(took)]
        percent = "" if step.share is None else f"{int(step.share * 100)} %"
        if not self._session.live:
            said = ", ".join(fact for fact in (percent, *facts) if fact)
            line = f"{self._session.clock.now():%Y-%m-%dT%H:%M:%SZ} {self._what}  {said}"
            (self._session.tell if self._session.log_json else self._session.show)(line)
            return
        drawn = ""
        if step.share is not None:
            full, rest = bar(step.share, BAR, plain=only_ascii(self._session.stderr))
            drawn = f"{full}{rest}"
        line = "  ".join(piece for piece in (self._what, drawn, percent, *facts) if piece)
        # A line that wraps could not be drawn over.
        self._write(_CLEAR + safe(line)[: (self._session.width or 80) - 1])
        self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            self._write(_CLEAR)
            self._drawn = False

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # the terminal may have gone; the work has not
            self._session.stderr.write(text)
            self._session.stderr.flush()
