"""Signals while a job runs: the first one ends it cleanly, the second at once."""

import contextlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from resumable.clock import Stop
from resumable.errors import ExitCode

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
    came: queue.SimpleQueue[signal.Signals | None] = queue.SimpleQueue()
    seen: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        if seen and number == signal.SIGHUP:
            return  # a terminal that closes tells twice: by the kernel, and by its shell
        if seen:
            if redrawing():
                with contextlib.suppress(OSError):  # the terminal may be what has gone
                    os.write(2, SHOW_CURSOR)
            os._exit(_code(number))
        seen.append(number)
        # All else takes locks that the interrupted thread may hold; putting into this queue takes none.
        came.put(signal.Signals(number))

    def attend() -> None:
        while (number := came.get()) is not None:
            stop.request("SIGINT" if number is signal.SIGINT else "SIGTERM")
            tell(number)

    thread = threading.Thread(target=attend, name="signals", daemon=True)
    thread.start()
    before = {n: signal.signal(n, on_signal) for n in WATCHED if signal.getsignal(n) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        came.put(None)
        thread.join(5)


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


def _code(number: int) -> int:
    return int(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED)
