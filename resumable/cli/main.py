"""The entry point: runs a command and turns every way it can end into words and an exit code."""

import contextlib
import errno
import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO, runtime_checkable

from resumable.cli.session import Session
from resumable.clock import Clock, SystemClock
from resumable.errors import (
    AuthenticationFailed,
    ExitCode,
    Incomplete,
    Interrupted,
    ResumableError,
    StorageFailed,
    UsageError,
)
from resumable.text import amount, paragraph, plainly, span

SECRET_LEAST = 6
"""Characters; a shorter value of a variable that is called a secret would blank out innocent text."""

_REFUSALS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EBADF})
"""What a disk, or a stream that leads to one, says where it takes no more."""


class _Closed(io.StringIO):
    """Stands for a stdout that was closed before the command began: what is to be given cannot be."""

    def write(self, text: str) -> int:
        """Refuse it, as the system would."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


class _Unheard(io.StringIO):
    """Stands for a stderr that was closed: nobody hears what is said, and it is not kept."""

    def write(self, text: str) -> int:
        """Let it go."""
        return len(text)


@runtime_checkable
class _Mistyped(Protocol):
    """What the command line parser raises. Newer versions of typer bring it along, older ones take it from click."""

    exit_code: int
    ctx: Any

    def format_message(self) -> str: ...


def run(
    arguments: Sequence[str],
    *,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> int:
    """Run one command and return its exit code. Nothing is raised, and nothing but `demo` starts a process."""
    session = Session(
        stdout=_tolerant(stdout or sys.stdout or _Closed()),
        stderr=_tolerant(stderr or sys.stderr or _Unheard()),
        environment=os.environ if environment is None else environment,
        clock=clock or SystemClock(),
        json="--json" in arguments,
        log_json="--log-json" in arguments,
        debug="--debug" in arguments,
    )
    code = _ended(arguments, session)
    if session.log_json:
        session.log("ended", exit_code=code)
    return code


def _ended(arguments: Sequence[str], session: Session) -> int:
    from typer.main import get_command

    from resumable.cli.app import app

    try:
        code = get_command(app).main(
            args=[*arguments] or ["--help"], prog_name="resumable", standalone_mode=False, obj=session
        )
        if code == ExitCode.INTERRUPTED:  # Ctrl-C before there was anything to finish
            raise Interrupted("interrupted: nothing was under way.")
        return code if isinstance(code, int) else ExitCode.COMPLETE
    except SystemExit as ending:
        if isinstance(ending.__context__, BrokenPipeError):  # the reader of a help has seen enough
            return ExitCode.COMPLETE
        return ending.code if isinstance(ending.code, int) else ExitCode.UNEXPECTED
    except KeyboardInterrupt:
        return report(session, Interrupted("interrupted."))
    except Exception as error:  # noqa: BLE001 - the one place where whatever happened becomes words
        return report(session, error)


def report(session: Session, error: Exception) -> int:
    """Say what failed, what is safe and what to type next; return the exit code."""
    known = _known(error)
    scrub = _scrubber(session)
    if session.debug and not isinstance(known, UsageError):
        session.tell(scrub("".join(traceback.format_exception(error)).rstrip()))
    status = session.status()
    if session.json:
        content: dict[str, Any] = {**session.content, "error": _error_json(known, scrub)}
        if status is not None:
            content["status"] = status.to_json()
        with contextlib.suppress(StorageFailed):  # what went wrong is said on stderr all the same
            session.give_json(content)
    if session.log_json:
        details = [scrub(line.strip()) for line in session.details]
        session.log("error", level="error", **_error_json(known, scrub), details=details)
        return int(known.exit_code)
    rest = [*_safe(known, session), known.hint, *_when(known, session.clock.now())]
    ending = f"exit {int(known.exit_code)}"
    if session.details:
        lines = [paragraph([_headline(known)], ending=ending, width=session.width), *session.details]
        lines.append("  " + " ".join(sentence for sentence in rest if sentence))
        session.tell(plainly(scrub("\n".join(lines))))
    else:
        sentences = [plainly(scrub(sentence)) for sentence in (_headline(known), *rest)]
        session.tell(paragraph(sentences, ending=ending, width=session.width))
    return int(known.exit_code)


def _known(error: Exception) -> ResumableError:
    if isinstance(error, ResumableError):
        return error
    if isinstance(error, _Mistyped):
        path = error.ctx.command_path if error.ctx is not None else "resumable"
        return UsageError(_sentence(error.format_message()), hint=f"See: {path} --help")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return StorageFailed("too many files are open.", hint="Raise the limit (ulimit -n), then run the same command.")
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        return StorageFailed(f"a file or a stream could not be written: {error.strerror}.")
    if isinstance(error, FileNotFoundError) and not _has_working_folder():
        return UsageError("the working folder of this command is gone.", hint="Change into one that is there.")
    if isinstance(error, MemoryError) or "start new thread" in str(error):
        return ResumableError(
            "there is no memory left for it.", hint="Run the same command with fewer --workers, or with less beside it."
        )
    name, text = type(error).__name__, str(error).strip()
    said = f"{name}: {text.splitlines()[0][:300]}" if text else name
    return ResumableError(
        f"this should not have happened ({said}).",
        hint="What is recorded is safe. To see where it came from, run again with --debug.",
    )


def _has_working_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _sentence(text: str) -> str:
    lower = text[:1].lower() + text[1:]
    return lower if lower.endswith((".", "?", "!")) else f"{lower}."


def _headline(error: ResumableError) -> str:
    if isinstance(error, Interrupted):
        return error.message
    return f"{'incomplete' if isinstance(error, Incomplete) else 'error'}: {error.message}"


def _safe(error: ResumableError, session: Session) -> list[str]:
    """Say which job it was and what of it is safe, unless the error says so itself."""
    said = f"{error.message} {error.hint}"
    sentences = []
    unreachable = isinstance(error, Incomplete) and error.unreachable
    if session.hosts and (unreachable or isinstance(error, AuthenticationFailed)):
        through = f", both through the proxy {session.hosts['proxy']}" if session.hosts["proxy"] else ""
        sentences.append(f"Tokens come from {session.hosts['login']}, data from {session.hosts['api']}{through}.")
    status = session.status()
    if status is None or "are safe" in said or isinstance(error, UsageError):
        return sentences
    pages = status.totals.pages_done
    safe = f"; {amount(pages, 'page')} of it {'is' if pages == 1 else 'are'} safe" if pages else ""
    return [*sentences, f"The job is {status.job.name}{safe}."]


def _when(error: ResumableError, now: datetime) -> list[str]:
    if not isinstance(error, Incomplete) or error.not_before is None:
        return []
    until = error.not_before.astimezone(UTC)
    return [f"That is in {span((until - now).total_seconds())}, at {until:%Y-%m-%d %H:%M} UTC."]


def _error_json(error: ResumableError, scrub: "Scrub") -> dict[str, Any]:
    content: dict[str, Any] = {
        "code": ExitCode(error.exit_code).name.lower(),
        "exit_code": int(error.exit_code),
        "message": scrub(error.message),
        "hint": scrub(error.hint),
    }
    if isinstance(error, Incomplete) and error.not_before is not None:
        from resumable.models import iso

        content["not_before"] = iso(error.not_before)
    return content


class Scrub(Protocol):
    """Takes secrets out of a text."""

    def __call__(self, text: str) -> str: ...


def _scrubber(session: Session) -> Scrub:
    # The errors of the product hold no secret; one that nobody foresaw may quote anything.
    from resumable.redaction import Redactor, Secret

    redactor = Redactor()
    client_id = session.environment.get("GENESYS_CLIENT_ID", "").strip()
    for name, value in session.environment.items():
        if any(word in name.upper() for word in ("SECRET", "TOKEN", "PASSWORD")) and len(value.strip()) >= SECRET_LEAST:
            redactor.keep(Secret(value.strip()), client_id=client_id)
    return redactor.scrub


def _tolerant(stream: TextIO) -> TextIO:
    # In a locale without these characters a dash in a message must not end an eight-hour run.
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return stream
