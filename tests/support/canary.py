"""Searches the output, the errors and the files of every test for secrets; a test that lets one out fails.

All secrets of the tests carry one of a few marks, and are searched for by it: plain, escaped for a URL, in hex, and in
base64 at each place in a longer text. What a test shows on purpose is excused by `@pytest.mark.shows_secrets("why")`.
Compressed data is not looked into.
"""

import base64
import os
import re
import stat
import subprocess
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from resumable.errors import Fault, ResumableError

MARKS = ("canary-secret", "canary-token", "canary-hostile", "simulator-secret", "simulated-token")
"""What each made-up secret of the tests begins with, and each token that the simulator issues."""

LARGEST = 5_000_000
"""Bytes; a larger file is not searched."""

EXCUSE = "shows_secrets"
SEARCHED = "trials: bytes of output, errors and files searched for secrets"


def forms(mark: str) -> Iterator[bytes]:
    """Yield what a mark looks like in each way that a secret travels."""
    data = mark.encode()
    yield data
    yield data.hex().encode()
    yield data.hex().upper().encode()
    yield "".join(f"%{byte:02x}" for byte in data).encode()
    yield "".join(f"%{byte:02X}" for byte in data).encode()
    for offset in range(3):
        # The characters at both ends share bits with what stands beside the mark.
        first, last = -(-8 * offset // 6), 8 * (offset + len(data)) // 6
        yield base64.b64encode(b"\0" * offset + data)[first:last]


_NEEDLES = re.compile(b"|".join(re.escape(form) for mark in MARKS for form in forms(mark)))


def found(data: bytes) -> str | None:
    """Return where a secret stands in some bytes, with what surrounds it; None where there is none."""
    match = _NEEDLES.search(data)
    return None if match is None else repr(data[max(0, match.start() - 60) : match.end() + 60])


_watching: "list[Watch]" = []


def saw(what: str, text: str) -> None:
    """Take in what the product put out inside a test's own process, where no capture sees it."""
    for watch in _watching:
        watch.heard(what, text)


class Watch:
    """The plugin: hears what a test puts out, and judges it at the test's end."""

    def __init__(self) -> None:
        """Nothing is heard before `pytest_sessionstart`."""
        self._heard: list[tuple[str, bytes]] = []
        self._folders: list[Path] = []
        self._known: dict[str, tuple[int, int]] = {}
        self._undo: list[Callable[[], None]] = []

    def heard(self, what: str, text: object) -> None:
        """Remember something that was put out, for the end of the test."""
        if isinstance(text, str | bytes) and text:
            self._heard.append((what, text if isinstance(text, bytes) else text.encode("utf-8", "replace")))

    def pytest_sessionstart(self) -> None:
        """Listen to processes that tests run, to every error that the product makes, and for folders that are made."""

        _watching.append(self)

        def processes(returned: Any, *arguments: object) -> None:  # noqa: ANN401 - whatever it returned
            for name, text in zip(("stdout", "stderr"), returned, strict=True):
                self.heard(f"{name} of a process", text)

        self._listen(subprocess.Popen, "communicate", processes)
        for kind in (ResumableError, Fault):
            self._listen(kind, "__init__", lambda _, error, *__: self.heard(type(error).__name__, _words(error)))
        self._listen(pytest.TempPathFactory, "mktemp", lambda folder, *_: self._folders.append(folder))

    def pytest_sessionfinish(self) -> None:
        """Listen no more."""
        while self._undo:
            self._undo.pop()()
        _watching.remove(self)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail a test that has let a secret out."""
        report = yield
        if report.when == "setup":
            return report
        leaks, size = self._judge(report.sections, own=getattr(item, "funcargs", {}).get("tmp_path"))
        report.user_properties.append((SEARCHED, size))
        if leaks and item.get_closest_marker(EXCUSE) is None and report.outcome != "skipped":
            report.outcome = "failed"
            report.longrepr = "\n".join(
                [f"a secret got out (excuse it with @pytest.mark.{EXCUSE} if it is meant to):", *leaks[:10]]
                + ([str(report.longrepr)] if report.longrepr else [])
            )
        return report

    def _judge(self, sections: Iterable[tuple[str, str]], own: Path | None) -> tuple[list[str], int]:
        """Return what was let out since the last time, and how many bytes were searched."""
        heard, self._heard = self._heard, []
        heard += [(name, text.encode("utf-8", "replace")) for name, text in sections]
        leaks, size = [], 0
        for what, data in [*heard, *self._files()]:
            size += len(data)
            if (where := found(data)) is not None:
                leaks.append(f"{what}: {where}")
        self._folders = [folder for folder in self._folders if folder != own]
        return leaks, size

    def _files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files that are new or changed, in the folders that tests were given."""
        for folder in self._folders:
            for root, _, names in os.walk(folder):
                for name in names:
                    path = os.path.join(root, name)
                    try:
                        facts = os.lstat(path)
                        now = (facts.st_mtime_ns, facts.st_size)
                        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST or self._known.get(path) == now:
                            continue
                        self._known[path] = now
                        yield path, Path(path).read_bytes()
                    except OSError:  # gone already, or made unreadable by the test
                        continue

    def _listen(self, kind: type, name: str, tell: Callable[..., None]) -> None:
        original = getattr(kind, name)

        @wraps(original)
        def wrapper(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as they come
            returned = original(*arguments, **named)
            tell(returned, *arguments)
            return returned

        setattr(kind, name, wrapper)
        self._undo.append(lambda: setattr(kind, name, original))


def _words(error: BaseException) -> str:
    return " ".join([str(error), *(str(value) for value in vars(error).values())])
