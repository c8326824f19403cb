"""Ctrl-C and signals, in every command: the first one ends it cleanly, the second at once; both say what is safe."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType

from resumable.clock import Stop
from resumable.errors import ExitCode, Interrupted

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SHOW_CURSOR = b"\x1b[?25h\n"

_Handler = Callable[[int, FrameType | None], None]


@dataclass(kw_only=True)
class Interrupts:
    """What Ctrl-C means in one call of the command line: what to say of it, and whether it has come."""

    last_words: Callable[[int], None] = lambda _code: None
    """Says, from any thread and without a lock, what is safe, before the process ends at once with a code."""
    unchanged: str = "nothing was changed"
    """What is safe, of what the command is about."""
    hint: str = "Run the same command again."
    _came: bool = False
    _raises: bool = True

    def first(self) -> None:
        """Take the first one as come, and dealt with: the next ends the process."""
        self._came, self._raises = True, False

    def interrupted(self, by: signal.Signals = signal.SIGINT) -> Interrupted:
        """Return what a command ends with after the first."""
        how = "interrupted" if by is signal.SIGINT else f"interrupted by {by.name}"
        return Interrupted(f"{how}: {self.unchanged}.", hint=self.hint, terminated=by is not signal.SIGINT)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Let the first Ctrl-C raise KeyboardInterrupt, and the second end the process, whatever is being done.

        Outside the main thread, and where others handle it or it is ignored (nohup), nothing is done.
        """
        main = threading.current_thread() is threading.main_thread()
        if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return

        def raise_once(number: int, frame: FrameType | None) -> None:
            if self._raises:
                self._raises = False
                raise KeyboardInterrupt

        def attend(number: signal.Signals) -> None:
            if number is signal.SIGINT:
                if self._came:
                    self.end(number)
                self._came = True

        with _attended(attend, {signal.SIGINT: raise_once}):
            yield

    def end(self, number: signal.Signals) -> None:
        """End the process at once."""
        code = _code(number)
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)  # whatever comes now must not hold this thread up
        with contextlib.suppress(Exception):  # nobody may be left to hear it
            self.last_words(code)
        os._exit(code)


@contextlib.contextmanager
def drained(
    stop: Stop,
    tell: Callable[[signal.Signals], None],
    *,
    redrawing: Callable[[], bool],
    interrupts: Interrupts | None = None,
) -> Iterator[None]:
    """Raise the stop flag at the first signal and `tell` about it; end the process at the second.

    `redrawing` tells whether the terminal's cursor is hidden, so that the end at once gives it back. Signals that the
    process was started to ignore (nohup) stay ignored. Outside the main thread there are no signals to watch.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watcher = _Watcher(stop, tell, redrawing, interrupts or Interrupts())
    handlers = {n: _leave_it for n in WATCHED if signal.getsignal(n) is not signal.SIG_IGN}
    try:
        with _attended(watcher.came, handlers):
            yield
    finally:
        if watcher.telling is not None:
            watcher.telling.join(5)


@contextlib.contextmanager
def _attended(attend: Callable[[signal.Signals], None], handlers: Mapping[signal.Signals, _Handler]) -> Iterator[None]:
    """Let a thread attend to each signal, and Python's handlers be these, until this is left."""
    # Python runs handlers in the main thread, which may be in a wait that no signal ends: it came just before. So the
    # system's own handler writes the number into a pipe, and a thread of ours does the rest.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    thread = threading.Thread(target=_attend, args=(reading, attend), name="signals", daemon=True)
    thread.start()
    other = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        # It looks at the descriptor, which a failing disk may refuse: that must not hide what failed before.
        try:
            signal.set_wakeup_fd(other)
        except OSError:
            signal.set_wakeup_fd(-1)
        os.close(writing)
        thread.join(5)


def _attend(reading: int, attend: Callable[[signal.Signals], None]) -> None:
    """Take each signal's number out of a pipe, until it is closed at the other end."""
    with open(reading, "rb", buffering=0) as numbers:
        while number := numbers.read(1):
            if number[0] in WATCHED:
                attend(signal.Signals(number[0]))


class _Watcher:
    """What is done about each signal that comes."""

    def __init__(
        self,
        stop: Stop,
        tell: Callable[[signal.Signals], None],
        redrawing: Callable[[], bool],
        interrupts: Interrupts,
    ) -> None:
        self._stop = stop
        self._tell = tell
        self._redrawing = redrawing
        self._interrupts = interrupts
        self.telling: threading.Thread | None = None
        """Takes locks, which may be held for long, and a second signal must not wait. None until the first came."""

    def came(self, number: signal.Signals) -> None:
        """Do what is to be done about one."""
        if self.telling is None:
            self._interrupts.first()
            self.telling = threading.Thread(target=self._tell, args=(number,), name="signals-told", daemon=True)
            self._stop.request("SIGINT" if number is signal.SIGINT else "SIGTERM")
            self.telling.start()
        elif number is not signal.SIGHUP:  # a terminal that closes tells twice: by the kernel, and by its shell
            if self._redrawing():
                with contextlib.suppress(OSError):  # the terminal may be what has gone
                    os.write(2, SHOW_CURSOR)
            self._interrupts.end(number)


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
def interruptible(interrupts: Interrupts, unchanged: str, *, hint: str | None = None) -> Iterator[None]:
    """Let Ctrl-C and a signal end a command that has nothing to drain with what is safe and what to type.

    `unchanged` is said of what the command was about; a second one ends it at once. Raises Interrupted.
    """
    interrupts.unchanged = unchanged
    interrupts.hint = interrupts.hint if hint is None else hint
    try:
        with raised(interrupts.interrupted):
            yield
    except KeyboardInterrupt:
        raise interrupts.interrupted() from None


def _code(number: int) -> int:
    return int(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED)
