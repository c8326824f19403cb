"""Decides whether an answer that a window is empty is believed: one such answer is cheap, and what it hides is not.

A window is doubtful where an earlier take of it held records, where a window next to it does, and where it is the only
one, so that nothing speaks for it. A doubtful one is asked for a second time, and then believed: one request. Where
both neighbours are empty too, as most are of a query that finds little, it is believed at once.
"""

import enum

from resumable.datasets.contract import Answer
from resumable.manifest.rows import WindowRow
from resumable.manifest.store import Manifest
from resumable.models import EventKind, Window, WindowState, label


class Belief(enum.Enum):
    """What becomes of an answer that a window is empty."""

    BELIEVED = "believed"
    DOUBTED = "doubted"
    """It is asked for a second time."""
    LATER = "later"
    """Its neighbours are not known yet: it is decided when they are."""


class EmptyWindows:
    """What was answered about windows that seem to be empty. One object serves all threads of a run."""

    def __init__(self, manifest: Manifest) -> None:
        """Nothing was answered yet."""
        self._manifest = manifest
        self._asked_again: set[tuple[int, int]] = set()
        self._put_off: dict[int, Answer] = {}

    def judge(self, window: Window, answer: Answer, *, may_wait: bool) -> Belief:
        """Decide what becomes of an answer without records; one that is put off is kept for `kept`."""
        take = (window.id, window.take)
        if take in self._asked_again:
            return self._decided(window, Belief.BELIEVED)
        neighbours = self._manifest.neighbours(window)
        why = self._doubt(window, neighbours)
        if not why and all(self._known(row) for row in neighbours):
            return self._decided(window, Belief.BELIEVED)
        if not why and may_wait and window.id not in self._put_off:
            self._put_off[window.id] = answer
            return Belief.LATER
        self._asked_again.add(take)
        text = f"{label(window.interval)}: no records, and {why or 'its neighbours are not known'}: asked a second time"
        self._manifest.event(EventKind.RETRY, text)
        return self._decided(window, Belief.DOUBTED)

    def kept(self, window: Window) -> Answer | None:
        """Return the answer about a window that was put off; None where there is none."""
        return self._put_off.get(window.id)

    def _doubt(self, window: Window, neighbours: list[WindowRow]) -> str:
        if self._manifest.held_records(window):
            return "an earlier take has some"
        if any(row.window.records for row in neighbours):
            return "a window next to it has some"
        return "" if neighbours else "it is the only window"

    def _known(self, row: WindowRow) -> bool:
        """Tell whether it is known what a window holds; one that waits for its own neighbours seems to be empty."""
        return row.window.state is not WindowState.PLANNED or row.window.id in self._put_off

    def _decided(self, window: Window, belief: Belief) -> Belief:
        if belief is Belief.DOUBTED:
            self._put_off.pop(window.id, None)
        return belief
