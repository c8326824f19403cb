"""Writes the command reference into the README: `python -m tests.reference`."""

import os
import re
import subprocess
import sys
from pathlib import Path

from resumable.cli.app import app

README = Path(__file__).parents[2] / "README.md"
COMMANDS = ("", *(command.name or "" for command in app.registered_commands))
_SECTION = re.compile(r"(<!-- reference -->\n).*?(<!-- /reference -->)", re.DOTALL)


def rendered() -> str:
    """Return the README as it should be: its reference made from `--help`."""
    pieces = []
    for command in COMMANDS:
        lines = _help(command).splitlines()
        body = "\n".join(f"    {line}".rstrip() for line in lines)
        pieces.append(f"### resumable {command}".rstrip() + f"\n\n{body.strip(chr(10))}\n")
    text = README.read_text(encoding="utf-8")
    return _SECTION.sub(lambda found: found[1] + "\n" + "\n".join(pieces) + "\n" + found[2], text)


def _help(command: str) -> str:
    # A fixed width and a terminal that can do nothing: the same text on every machine.
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "110", "TERM": "dumb", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    arguments = [command] if command else []
    return subprocess.run(
        [sys.executable, "-m", "resumable", *arguments, "--help"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


if __name__ == "__main__":
    README.write_text(rendered(), encoding="utf-8")
