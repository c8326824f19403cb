"""Signals while a job runs: the first one ends it cleanly, the second at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from resumable.clock import Stop
from resumable.errors import ExitCode, Interrupted

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SHOW_CURSOR = b"\x1b[?25h\n"


@contextlib.contextmanager
def drained(stop: Stop, tell: Callable[[signal.Signals], None], *, redrawing: Callable[[], bool]) -> Iterator[None]:
    """Raise the stop flag at the first signal and `tell` about it; end the process at the second.

    `redrawing` tells whether the terminal's cursor is hidden, so that the end at once gives it back. Signals that the
    process was started to ignore (nohup) stay ignored. Outside the main thread there are no signals to watch.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Python runs handlers in the main thread, which may be in a wait that no signal ends: it came just before. So the
    # system's own handler writes the number into a pipe, and a thread of ours does the rest.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watcher = _Watcher(stop, tell, redrawing)
    thread = threading.Thread(target=watcher.attend, args=(reading,), name="signals", daemon=True)
    thread.start()
    other = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    before = {n: signal.signal(n, _leave_it) for n in WATCHED if signal.getsignal(n) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(other)
        os.close(writing)
        thread.join(5)
        if watcher.telling is not None:
            watcher.telling.join(5)


class _Watcher:
    """What is done about each signal that comes."""

    def __init__(self, stop: Stop, tell: Callable[[signal.Signals], None], redrawing: Callable[[], bool]) -> None:
        self._stop = stop
        self._tell = tell
        self._redrawing = redrawing
        self.telling: threading.Thread | None = None
        """Takes locks, which may be held for long, and a second signal must not wait. None until the first came."""

    def attend(self, reading: int) -> None:
        """Take each signal's number out of a pipe, until it is closed at the other end."""
        with open(reading, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                if number[0] in WATCHED:
                    self._came(signal.Signals(number[0]))

    def _came(self, number: signal.Signals) -> None:
        if self.telling is None:
            self.telling = threading.Thread(target=self._tell, args=(number,), name="signals-told", daemon=True)
            self._stop.request("SIGINT" if number is signal.SIGINT else "SIGTERM")
            self.telling.start()
        elif number is not signal.SIGHUP:  # a terminal that closes tells twice: by the kernel, and by its shell
            if self._redrawing():
                with contextlib.suppress(OSError):  # the terminal may be what has gone
                    os.write(2, SHOW_CURSOR)
            os._exit(_code(number))


def _leave_it(number: int, frame: FrameType | None) -> None:
    """Do nothing: without a handler of Python's, the system would do what it does."""


@contextlib.contextmanager
def raised(make: Callable[[signal.Signals], Exception]) -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise what `make` returns, for commands that have nothing to drain but much to tidy up."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        raise make(signal.Signals(number))

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watched = [n for n in WATCHED if n is not signal.SIGINT and signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, on_signal) for number in watched}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def interruptible(unchanged: str) -> Iterator[None]:
    """Let Ctrl-C and a signal end a command that has nothing to drain with what is safe and what to type.

    `unchanged` is said of what the command was about; a second one ends it at once. Raises Interrupted.
    """

    def ended(how: str, *, terminated: bool) -> Interrupted:
        return Interrupted(f"{how}: {unchanged}.", hint="Run the same command again.", terminated=terminated)

    try:
        with raised(lambda number: ended(f"interrupted by {number.name}", terminated=True)):
            yield
    except KeyboardInterrupt:
        raise ended("interrupted", terminated=False) from None


def _code(number: int) -> int:
    return int(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED)
