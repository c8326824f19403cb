"""The command line's README says what the commands say."""

import re

from resumable.models import EventKind
from tests.cli.reference import README, rendered


def test_what_is_generated_is_what_the_commands_say() -> None:
    """Exit codes, keys of job files and the help of every command; renew them with `python -m tests.cli.reference`."""
    assert README.read_text(encoding="utf-8") == rendered()


def test_every_event_of_the_log_is_listed() -> None:
    """The table of events names each kind that the manifest knows, and the lines that are only in the log."""
    text = README.read_text(encoding="utf-8")
    table = text[text.index("| event | when | members |") : text.index("## Commands")]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split(" | ")[0])]
    lines = ["progress", "message", "error", "ended"]
    assert sorted(named) == sorted([*(kind.name.lower() for kind in EventKind), *lines])
