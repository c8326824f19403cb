"""How many bytes of answers are in hand at once: as many as memory is meant for, however long the pages are."""

import threading
from typing import Final

from resumable.clock import Stop

MOST_BYTES: Final = 20_000_000
"""Of answers between their request and their part: forty pages of 100 conversations, four of 1,000. With eight of 1,000
in hand memory grew to 270-400 MB. A page that is longer than that is alone in hand."""

FIRST_GUESS: Final = 5_000
"""Bytes of a record, before any has come."""

FORGOTTEN: Final = 0.02
"""Share of what is known of the bytes of a record that each answer takes away, where its own are smaller."""


class BytesInHand:
    """Lets a page be asked for once it has room among those in hand. Safe to use from all threads; each has one page.

    A page counts from before it is asked for, by what pages of so many records were lately, until the next one of its
    thread, or until its thread has nothing more to do.
    """

    def __init__(self, stop: Stop, *, most: int = MOST_BYTES) -> None:
        """Nothing is in hand; who waits is let go where `stop` is raised."""
        self._stop, self._most = stop, most
        self._changed = threading.Condition()
        stop.wakes(self._changed)
        self._held: dict[int, int] = {}
        self._a_record = float(FIRST_GUESS)

    @property
    def held(self) -> int:
        """How many bytes are in hand."""
        return sum(self._held.values())

    def take(self, records: int) -> bool:
        """Wait until a page of so many records has room, in the place of this thread's last; False when it is to end.

        What has no records is small, and never waits.
        """
        self.drop()
        if not records:
            return True
        with self._changed:
            while self._held and self.held + records * self._a_record > self._most:
                if self._stop.requested:
                    return False
                self._stop.clock.wait(self._changed, None)
            self._held[threading.get_ident()] = int(records * self._a_record)
            # One page that has gone may make room for several.
            self._changed.notify()
        return True

    def came(self, records: int, size: int) -> None:
        """Count an answer of this thread as what it is; there is no waiting, for it is here."""
        if not records:
            return
        with self._changed:
            self._a_record = max(size / records, self._a_record * (1 - FORGOTTEN))
            self._held[threading.get_ident()] = size
            self._changed.notify()

    def drop(self) -> None:
        """Count nothing for this thread any more."""
        with self._changed:
            if self._held.pop(threading.get_ident(), None) is not None:
                self._changed.notify()
