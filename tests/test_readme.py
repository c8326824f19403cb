"""The command reference says what the commands say."""

from tests.cli.reference import README, rendered


def test_the_command_reference_is_what_help_prints() -> None:
    """The reference in the README is generated; mend it with `python -m tests.reference`."""
    assert README.read_text(encoding="utf-8") == rendered()
