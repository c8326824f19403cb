"""Errors and faults carry what is decided by, so that nobody reads their texts."""

import ast
import io
from pathlib import Path

import pytest

from resumable import errors
from resumable.cli.failure import report
from resumable.cli.session import Session
from resumable.clock import SystemClock
from resumable.errors import (
    Failure,
    Incomplete,
    ManifestUnusable,
    NoRecords,
    ResumableError,
    StatusFault,
    TransportFault,
    TrustFault,
)
from resumable.storage.job_files import JobFiles
from tests.support.builders import make_manifest
from tests.support.clock import VirtualClock


def test_the_command_ends_the_hint_and_is_a_field_of_its_own() -> None:
    """Whoever runs it needs no search in the hint; without one the hint is all there is."""
    error = ManifestUnusable("lost.", hint="Make it again with:", command="resumable repair job")
    assert (error.hint, error.command) == ("Make it again with: resumable repair job", "resumable repair job")
    bare = ManifestUnusable("held.", hint="Close what has it open, then try: resumable resume job")
    assert bare.command is None


def test_every_error_says_what_to_do() -> None:
    """Wherever the product raises one of its errors, it hands in a hint or a command."""
    ours = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, ResumableError)}
    bare = []
    for path in sorted(Path(errors.__file__).parent.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ours:
                named = {keyword.arg for keyword in call.keywords}
                positional = call.func.id == "LibraryMissing"  # which makes its own
                bare += [] if named & {"hint", "command", None} or positional else [f"{path.name}:{call.lineno}"]
    assert bare == []


def test_faults_know_of_what_kind_they_are() -> None:
    """The kind is the class's own, or what the table of statuses says."""
    assert TransportFault("cut").failure is Failure.NO_ANSWER
    assert TrustFault("self-signed").failure is Failure.UNTRUSTED
    assert NoRecords("entities is missing").failure is Failure.NO_RECORDS
    assert StatusFault("HTTP 429: x", status=429, failure=Failure.RATE_LIMITED).failure is Failure.RATE_LIMITED


@pytest.mark.parametrize("safe", [None, 3])
def test_an_error_says_by_a_field_that_it_tells_what_is_safe(safe: int | None, tmp_path: Path) -> None:
    """A server's words about what is safe, or about a range, are shown as they came and decide nothing."""
    folder = tmp_path / "job"
    folder.mkdir()
    make_manifest(folder / "manifest.sqlite", VirtualClock()).close()
    home, said_to = JobFiles.at(folder), io.StringIO()
    session = Session(stdout=io.StringIO(), stderr=said_to, environment={}, clock=SystemClock(), home=home)
    quoted = "HTTP 500: your records are safe in 2023-10-01T00:00:00.000Z/2023-10-02T00:00:00.000Z"
    report(session, Incomplete(quoted, safe=safe))
    assert isinstance(session.stderr, io.StringIO)
    said = session.stderr.getvalue()
    assert quoted in said
    assert ("The job is job" in said) is (safe is None)
