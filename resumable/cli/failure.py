"""What is said when a command fails: what happened, what is safe, what to type next."""

import contextlib
import errno
import os
import traceback
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from resumable.cli.app import COMMANDS
from resumable.cli.session import Session
from resumable.cli.signature import OptionRow, rows
from resumable.errors import (
    AuthenticationFailed,
    ExitCode,
    Incomplete,
    Interrupted,
    ResumableError,
    StorageFailed,
    UsageError,
)
from resumable.models import iso
from resumable.redaction import Redactor, Secret
from resumable.status import Status, read
from resumable.storage.bucket_client import secrets
from resumable.text import amount, hanging, paragraph, span, unbroken

MANY_RUNS = 3
"""So many runs that end incomplete are told of as more than a bad night."""

SECRET_LEAST = 6
"""Characters; a shorter value of a variable that is called a secret would blank out innocent text."""

_REFUSALS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EBADF})
"""What a disk, or a stream that leads to one, says where it takes no more."""


@runtime_checkable
class _Mistyped(Protocol):
    """What the command line parser raises. Newer versions of typer bring it along, older ones take it from click."""

    exit_code: int
    ctx: Any

    def format_message(self) -> str: ...


def report(session: Session, error: Exception) -> int:
    """Say what failed, what is safe and what to type next; return the exit code."""
    known = _known(error)
    scrub = _scrubber(session)
    if session.debug and not isinstance(known, UsageError):
        session.write(scrub("".join(traceback.format_exception(error)).rstrip()))
    status = _status(session)
    session.failure = _error_json(known, scrub, session)
    if session.json:
        content: dict[str, Any] = {**session.content, "error": session.failure}
        if status is not None:
            content["status"] = status.to_json()
        with contextlib.suppress(StorageFailed):  # what went wrong is said on stderr all the same
            session.give_json(content)
    if session.log_json:
        details = [scrub(line.strip()) for line in session.details]
        session.log("error", level="error", **session.failure, details=details)
        return int(known.exit_code)
    session.keep("error", level="error", **session.failure)
    # The hint last: it ends with the command, which nothing is to follow that would be copied with it.
    what, hint = [*_safe(known, session), *_when(known, session.clock.now()), *_since(known)], _hint(known, session)
    if known.command is not None:
        hint = f"{known.advice} {unbroken(session.typed(known.command))}"
    ending, width = f"exit {int(known.exit_code)}", session.width
    sentences = [scrub(sentence) for sentence in (_headline(known), *what, hint)]
    if session.details:
        lines = [paragraph(sentences[:1], ending=ending, width=width)]
        for line in [*map(scrub, session.details), "  " + " ".join(sentence for sentence in sentences[1:] if sentence)]:
            text = line.lstrip()
            lines += hanging(line[: len(line) - len(text)], text, width=width)
        session.write("\n".join(lines))
    else:
        session.write(paragraph(sentences, ending=ending, width=width))
    return int(known.exit_code)


def _status(session: Session) -> Status | None:
    """Read how the session's job stands; None where it has none, or it cannot be read."""
    if session.home is None:
        return None
    try:
        return read(session.home, events=20)
    except ResumableError:
        return None


def _known(error: Exception) -> ResumableError:
    if isinstance(error, ResumableError):
        return error
    if isinstance(error, _Mistyped):
        path = error.ctx.command_path if error.ctx is not None else "resumable"
        return UsageError(_mistyped(error), hint=f"See: {path} --help")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return StorageFailed("too many files are open.", hint="Raise the limit (ulimit -n), then run the same command.")
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        return StorageFailed(
            f"a file or a stream could not be written: {error.strerror}.",
            hint="See to the disk, then run the same command.",
        )
    if isinstance(error, FileNotFoundError) and not _has_working_folder():
        return UsageError("the working folder of this command is gone.", hint="Change into one that is there.")
    if isinstance(error, MemoryError) or "start new thread" in str(error):
        return ResumableError(
            "there is no memory left for it.", hint="Run the same command with fewer --workers, or with less beside it."
        )
    name, text = type(error).__name__, str(error).strip()
    said = f"{name}: {text.splitlines()[0][:300]}" if text else name
    return ResumableError(
        f"internal error ({said}).",
        hint="What is recorded is safe. To see where it came from, run again with --debug.",
    )


def _has_working_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _mistyped(error: _Mistyped) -> str:
    """Say what is wrong with a command line in words that do not depend on who parsed it, where its errors tell."""
    option, near = getattr(error, "option_name", None), getattr(error, "possibilities", None)
    if option is not None and hasattr(error, "possibilities"):
        return f"there is no option {option}{f'; did you mean {near[0]}?' if near else '.'}"
    row = _row(error)
    if row is None:
        text = error.format_message()
        text = text[:1].lower() + text[1:]
        return text if text.endswith((".", "?", "!")) else f"{text}."
    if hasattr(error, "param_type"):
        return f"{row.typed} is missing."
    least, most = row.option.least, row.option.most
    bounds = f" from {least} to {most}" if most is not None else f", {least} or more" if least is not None else ""
    return f"{row.typed} is a {'whole number' if row.kind is int else 'number'}{bounds}."


def _row(error: _Mistyped) -> OptionRow | None:
    """Return the option of which a value is wrong, or missing; None where it is about none of the table."""
    parameter, command = getattr(error, "param", None), COMMANDS.get(error.ctx.command.name if error.ctx else "")
    if parameter is None or command is None:
        return None
    found = next((row for row in rows(command.options) if row.name == parameter.name), None)
    return found if found is not None and (found.kind in (int, float) or hasattr(error, "param_type")) else None


def _headline(error: ResumableError) -> str:
    if isinstance(error, Interrupted):
        return error.message
    return f"{'incomplete' if isinstance(error, Incomplete) else 'error'}: {error.message}"


def _safe(error: ResumableError, session: Session) -> list[str]:
    """Say which job it was and what of it is safe, unless the error says so itself."""
    sentences = []
    unreachable = isinstance(error, Incomplete) and error.unreachable
    if session.hosts and (unreachable or isinstance(error, AuthenticationFailed)):
        through = f", both through the proxy {session.hosts['proxy']}" if session.hosts["proxy"] else ""
        sentences.append(f"Tokens come from {session.hosts['login']}, data from {session.hosts['api']}{through}.")
    status = _status(session)
    if status is None or error.safe is not None or isinstance(error, UsageError):
        return sentences
    pages = status.totals.pages_done
    safe = f"; {amount(pages, 'page')} of it {'is' if pages == 1 else 'are'} safe" if pages else ""
    return [*sentences, f"The job is {status.job.name}{safe}."]


def _when(error: ResumableError, now: datetime) -> list[str]:
    if not isinstance(error, Incomplete) or error.not_before is None:
        return []
    until = error.not_before.astimezone(UTC)
    return [f"That is in {span((until - now).total_seconds())}, at {until:%Y-%m-%d %H:%M} UTC."]


def _since(error: ResumableError) -> list[str]:
    """Say since when a job is not complete, and after some runs that it will not be by itself."""
    if not isinstance(error, Incomplete) or error.since is None:
        return []
    said = f"Not complete since {error.since:%Y-%m-%d %H:%M} UTC, after {amount(error.runs, 'run')}"
    return [f"{said}: it may never be, by itself, and somebody should look." if _lasts(error) else f"{said}."]


def _lasts(error: Incomplete) -> bool:
    return error.runs >= MANY_RUNS


def _hint(error: ResumableError, session: Session) -> str:
    """Return what to do next, with a command that works from where this one was typed."""
    return error.hint if error.command is None else f"{error.advice} {session.typed(error.command)}"


def _error_json(error: ResumableError, scrub: "Scrub", session: Session) -> dict[str, Any]:
    content: dict[str, Any] = {
        "code": ExitCode(error.exit_code).name.lower(),
        "exit_code": int(error.exit_code),
        "message": scrub(error.message),
        "hint": scrub(_hint(error, session)),
    }
    if isinstance(error, Incomplete) and error.not_before is not None:
        content["not_before"] = iso(error.not_before)
    if isinstance(error, Incomplete) and error.since is not None:
        content["incomplete"] = {"since": iso(error.since), "runs": error.runs, "look": _lasts(error)}
    return content


class Scrub(Protocol):
    """Takes secrets out of a text."""

    def __call__(self, text: str) -> str: ...


def _scrubber(session: Session) -> Scrub:
    # The errors of the product hold no secret; one that nobody foresaw may quote anything.
    redactor = Redactor()
    client_id = session.environment.get("GENESYS_CLIENT_ID", "").strip()
    for name, value in session.environment.items():
        if any(word in name.upper() for word in ("SECRET", "TOKEN", "PASSWORD")) and len(value.strip()) >= SECRET_LEAST:
            redactor.keep(Secret(value.strip()), client_id=client_id)
    for value in secrets(session.environment):
        if len(value.strip()) >= SECRET_LEAST:
            redactor.keep(Secret(value.strip()))
    return redactor.scrub
