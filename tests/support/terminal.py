"""A terminal that a test looks at: a pseudo-terminal with a process in it, and the screen that it draws."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyte

from tests.support.command_line import CommandLine

PATIENCE_SECONDS = 15


@dataclass(kw_only=True)
class Terminal:
    """A process and its screen."""

    process: subprocess.Popen[str]
    master: int
    screen: pyte.Screen
    raw: bytearray = field(default_factory=bytearray)
    """All bytes that came."""
    _stream: pyte.ByteStream = field(init=False)

    def __post_init__(self) -> None:
        """Draw what comes on the screen."""
        self._stream = pyte.ByteStream(self.screen)

    @property
    def lines(self) -> list[str]:
        """What is on the screen, without the blanks at the ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)

    def wait(self, enough: Callable[[str], bool]) -> str:
        """Draw until the screen shows what is wanted, and return it."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if enough(self.text):
                return self.text
            if not self._read():
                break
        assert enough(self.text), f"never on the screen, which shows:\n{self.text}"
        return self.text

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal larger or smaller."""
        self.screen.resize(lines, columns)
        _set_size(self.master, columns, lines)
        self.process.send_signal(signal.SIGWINCH)

    def ended(self) -> int:
        """Draw until the process has ended, and return its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        """Draw what comes next; False when nothing will, or nothing has for long."""
        if not select.select([self.master], [], [], PATIENCE_SECONDS)[0]:
            return False
        try:
            data = os.read(self.master, 65_536)
        except OSError:
            return False  # the process has closed its end
        self.raw += data
        self._stream.feed(data)
        return bool(data)


@contextlib.contextmanager
def terminal(cli: CommandLine, *arguments: str, columns: int = 100, lines: int = 30) -> Iterator[Terminal]:
    """Start a command in a terminal of this size."""
    master, slave = pty.openpty()
    try:
        _set_size(slave, columns, lines)
        cli.extra = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **cli.extra}
        process = cli.start(*arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        try:
            yield Terminal(process=process, master=master, screen=pyte.Screen(columns, lines))
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    finally:
        os.close(master)


def _set_size(descriptor: int, columns: int, lines: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
