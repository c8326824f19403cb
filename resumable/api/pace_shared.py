"""What a pace remembers of the requests that went, in one process or, through a small file, in several.

Processes that use one client share its allowance: each notes in the file when its requests went and when the next may
go. The file is advice and no promise: it is never synced, and where it fails a process paces itself alone.
"""

import collections
import contextlib
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

REMEMBERED_SECONDS: Final = 120.0
MOMENTS_KEPT: Final = 20_000
"""Requests that are remembered at most; enough for two minutes at 10,000 a minute."""

LONGEST_HOLD_SECONDS: Final = 180.0
"""A next slot further away was not meant: the file is damaged, or the server asked for longer than a run waits."""

_HEAD = struct.Struct("<16sdQ")
_MOMENT = struct.Struct("<d")
_TRIES = 1000


class Slots(Protocol):
    """When requests went, and when the next may go; monotonic seconds."""

    next_at: float
    sent: collections.deque[float]
    """Oldest first, about."""

    def add(self, moment: float) -> None:
        """Remember that a request goes now, and forget those of long ago."""

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Keep others from looking or changing; inside, what they did is known, and after it they know what changed."""


class LocalSlots:
    """The slots of one process, whose threads keep each other out themselves."""

    def __init__(self) -> None:
        """Nothing went yet."""
        self.next_at = float("-inf")
        self.sent: collections.deque[float] = collections.deque(maxlen=MOMENTS_KEPT)

    def add(self, moment: float) -> None:
        """Remember that a request goes now, and forget those of long ago."""
        self.sent.append(moment)
        while self.sent[0] < moment - REMEMBERED_SECONDS:
            self.sent.popleft()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Do nothing."""
        yield


class SharedSlots(LocalSlots):
    """The slots of all processes that use one file: monotonic seconds are the same for all processes of a machine."""

    def __init__(self, path: Path, monotonic: Callable[[], float], *, boot: bytes | None = None) -> None:
        """`boot` tells one start of the machine from another: the seconds begin anew with each. Never raises."""
        super().__init__()
        self._monotonic = monotonic
        self._boot = (_boot_id() if boot is None else boot)[:16].ljust(16, b"\0")
        self._seen = 0
        self._fresh: list[float] = []
        self._file: int | None = None
        with contextlib.suppress(OSError):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    @property
    def shared(self) -> bool:
        """Tell whether others see what goes."""
        return self._file is not None

    def add(self, moment: float) -> None:
        """Remember that a request goes now, and tell the others when they are let in again."""
        super().add(moment)
        self._fresh.append(moment)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out, for some microseconds; one that was stopped in there is passed by."""
        if self._file is None:
            yield
            return
        locked = self._lock(self._file)
        try:
            self._guarded(self._read)
            before = self.next_at
            yield
            if self._fresh or self.next_at != before:
                self._guarded(self._write)
        finally:
            self._guarded(lambda: self._let_go(locked))

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _lock(self, file: int) -> bool:
        for _ in range(_TRIES):
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            os.sched_yield()
        return False

    def _let_go(self, locked: bool) -> None:
        if locked and self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError:
            self.close()

    def _read(self) -> None:
        if self._file is None:
            return
        head = os.pread(self._file, _HEAD.size, 0)
        if len(head) < _HEAD.size:
            return
        boot, next_at, written = _HEAD.unpack(head)
        now = self._monotonic()
        if boot != self._boot or written < self._seen:
            return
        if self.next_at < next_at <= now + LONGEST_HOLD_SECONDS:
            self.next_at = next_at
        for number in range(max(self._seen, written - MOMENTS_KEPT), written):
            place = _HEAD.size + number % MOMENTS_KEPT * _MOMENT.size
            data = os.pread(self._file, _MOMENT.size, place)
            if len(data) == _MOMENT.size and (moment := _MOMENT.unpack(data)[0]) <= now:
                self.sent.append(moment)
        self._seen = written

    def _write(self) -> None:
        fresh, self._fresh = self._fresh, []
        if self._file is None:
            return
        for moment in fresh:
            os.pwrite(self._file, _MOMENT.pack(moment), _HEAD.size + self._seen % MOMENTS_KEPT * _MOMENT.size)
            self._seen += 1
        os.pwrite(self._file, _HEAD.pack(self._boot, self.next_at, self._seen), 0)


def _boot_id() -> bytes:
    try:
        return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))
    except (OSError, ValueError):
        return b""
