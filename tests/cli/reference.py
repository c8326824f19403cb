"""Writes what is generated of the command line's README: `python -m tests.cli.reference`."""

import contextlib
import functools
import io
import os
import re
from datetime import date
from pathlib import Path
from unittest.mock import patch

import resumable.cli
from resumable.cli.app import COMMANDS
from resumable.cli.job_file import KINDS
from resumable.cli.main import run
from resumable.cli.options import file_keys
from resumable.errors import ExitCode

README = Path(resumable.cli.__file__).with_name("README.md")
HOLDS = {**KINDS, list: "a list of texts"}
ALSO = {date: "a date", float: "a number"}


def rendered() -> str:
    """Return the README as it should be, each section that is generated made anew."""
    text = README.read_text(encoding="utf-8")
    text = _filled(text, "exit codes", _exit_codes())
    text = _filled(text, "keys", _keys())
    return _filled(text, "reference", _reference())


def _filled(text: str, name: str, lines: list[str]) -> str:
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    made, count = marked.subn(lambda found: "\n".join([found[1], *lines, "", found[2]]), text)
    assert count == 1, f"{README} has not one place for: {name}"
    return made


def _exit_codes() -> list[str]:
    return ["| code | meaning |", "|---|---|", *(f"| {code.value} | {code.meaning} |" for code in ExitCode)]


def _keys() -> list[str]:
    lines = ["| key | holds | option | meaning |", "|---|---|---|---|"]
    for key, row in file_keys().items():
        holds = " or ".join([HOLDS[row.kind], *(ALSO[kind] for kind in row.option.also if kind in ALSO)])
        lines.append(f"| `{key}` | {holds} | `{row.option.flag or row.option.metavar}` | {row.option.help} |")
    return lines


def _reference() -> list[str]:
    pieces = []
    for command in ("", *COMMANDS):
        body = "\n".join(f"    {line}".rstrip() for line in help_of(command).splitlines())
        pieces.append(f"### resumable {command}".rstrip() + f"\n\n{body.strip(chr(10))}\n")
    return "\n".join(pieces).rstrip().splitlines()


@functools.cache
def help_of(command: str) -> str:
    """Return what a command prints with --help, on every machine the same; fails where there is no such command."""
    # A fixed width, and a terminal that can do nothing.
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "110", "TERM": "dumb", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    shown = io.StringIO()
    with patch.dict(os.environ, environment, clear=True), contextlib.redirect_stdout(shown):
        assert run([*([command] if command else []), "--help"]) == 0, f"there is no command {command!r}"
    return shown.getvalue()


if __name__ == "__main__":
    README.write_text(rendered(), encoding="utf-8")
