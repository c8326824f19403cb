"""Whatever fails becomes one paragraph and a documented exit code."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from resumable.cli.failure import report
from resumable.cli.session import Session
from resumable.clock import SystemClock
from resumable.errors import (
    AuthenticationFailed,
    Incomplete,
    Interrupted,
    JobLocked,
    ManifestUnusable,
    ResumableError,
    SourceUnsettled,
    StorageFailed,
    UsageError,
    VerificationFailed,
)
from tests.support.command_line import SECRET

CODES: list[tuple[Exception, int, str]] = [
    (UsageError("u", hint="h"), 2, "usage"),
    (Incomplete("i", hint="h"), 3, "incomplete"),
    (AuthenticationFailed("a", hint="h"), 4, "authentication"),
    (StorageFailed("s", hint="h"), 5, "storage"),
    (VerificationFailed("v", hint="h"), 6, "verification"),
    (JobLocked("l", hint="h"), 7, "locked"),
    (ManifestUnusable("m", hint="h"), 8, "manifest"),
    (SourceUnsettled("s", hint="h"), 9, "unsettled"),
    (Interrupted("interrupted: x", hint="h"), 130, "interrupted"),
    (Interrupted("interrupted: x", hint="h", terminated=True), 143, "terminated"),
    (ResumableError("x", hint="h"), 1, "unexpected"),
    (ValueError("nobody foresaw this"), 1, "unexpected"),
]


def reported(error: Exception, *, as_json: bool = False, debug: bool = False) -> tuple[int, str, str]:
    """Report an error to nobody, and return what was said."""
    environment: Mapping[str, str] = {"GENESYS_CLIENT_SECRET": SECRET, "GENESYS_CLIENT_ID": "somebody"}
    session = Session(
        stdout=io.StringIO(),
        stderr=io.StringIO(),
        environment=environment,
        clock=SystemClock(),
        json=as_json,
        debug=debug,
    )
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - as the entry point does
        code = report(session, caught)
    assert isinstance(session.stdout, io.StringIO)
    assert isinstance(session.stderr, io.StringIO)
    return code, session.stdout.getvalue(), session.stderr.getvalue()


@pytest.mark.parametrize(("error", "code", "name"), CODES)
def test_every_error_has_its_exit_code(error: Exception, code: int, name: str) -> None:
    """The exit code is the documented one, and stands at the end of the paragraph."""
    said_code, stdout, stderr = reported(error)
    assert said_code == code
    assert stdout == ""
    assert stderr.rstrip().endswith(f"exit {code}")
    assert "Traceback" not in stderr


@pytest.mark.parametrize(("error", "code", "name"), CODES)
def test_an_error_in_json_names_its_code(error: Exception, code: int, name: str) -> None:
    """With --json an error is one object on stdout."""
    said_code, stdout, _ = reported(error, as_json=True)
    content = json.loads(stdout)["error"]
    assert said_code == code
    assert (content["code"], content["exit_code"]) == (name, code)
    assert content["message"]


def test_an_error_in_json_names_when_to_come_back() -> None:
    """`not_before` is there where the server said it, as a time in UTC."""
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    _, stdout, stderr = reported(Incomplete("wait", not_before=moment), as_json=True)
    assert json.loads(stdout)["error"]["not_before"] == "2026-01-02T03:04:05.000Z"
    assert "2026-01-02 03:04 UTC" in stderr


def test_an_unexpected_error_is_one_paragraph_that_points_to_debug() -> None:
    """Without --debug there is no traceback."""
    _, _, stderr = reported(ValueError("nobody foresaw this"))
    assert "ValueError: nobody foresaw this" in stderr
    assert "--debug" in stderr


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")], ids=["memory", "threads"])
def test_too_little_memory_is_said_in_words(error: Exception) -> None:
    """It is no riddle of the runtime's: what to do about it is named."""
    code, _, stderr = reported(error)
    assert code == 1
    assert "no memory left" in stderr
    assert "fewer --workers" in stderr


@pytest.mark.shows_secrets("the error quotes it, and what is shown of the error does not")
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("as_json", [False, True])
def test_no_secret_leaves_in_an_unexpected_error(debug: bool, as_json: bool) -> None:
    """An error that quotes the secret is shown without it, with a traceback or not."""
    _, stdout, stderr = reported(RuntimeError(f"could not send {SECRET}"), debug=debug, as_json=as_json)
    assert SECRET not in stdout + stderr
    assert ("Traceback" in stderr) is debug


def test_control_characters_in_an_error_are_shown_and_not_obeyed() -> None:
    """An escape sequence in job data reaches the terminal as text."""
    _, _, stderr = reported(StorageFailed("the file \x1b[2J\x07\u202eevil"))
    assert "\x1b" not in stderr
    assert "\\x1b[2J\\x07\\u202eevil" in stderr
