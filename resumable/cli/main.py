"""The entry point: runs a command, and lets every way it can end become words and an exit code."""

import errno
import functools
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from typer.main import get_command

from resumable.cli.app import app
from resumable.cli.dotenv import with_dotenv
from resumable.cli.session import Session
from resumable.clock import Clock, SystemClock
from resumable.errors import ExitCode


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


def run(
    arguments: Sequence[str],
    *,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> int:
    """Run one command and return its exit code. Nothing is raised.

    Where no environment is handed in it is the process's own, with the `.env` of the working folder.
    """
    session = Session(
        stdout=_tolerant(stdout or sys.stdout or _Closed()),
        stderr=_tolerant(stderr or sys.stderr or _Unheard()),
        environment=os.environ if environment is None else environment,
        clock=clock or SystemClock(),
        json="--json" in arguments,
        log_json="--log-json" in arguments,
        debug="--debug" in arguments,
        quiet=not {"-q", "--quiet"}.isdisjoint(arguments),
        verbose=not {"-v", "--verbose"}.isdisjoint(arguments),
    )
    session.interrupts.last_words = session.last_words
    with session.interrupts.watched():
        code = _ended(arguments, session, dotenv=environment is None)
        if session.told is not None:
            session.told.end(code)
        if session.log_json:
            session.log("ended", exit_code=code)
        else:
            session.keep("ended", exit_code=code)
        if session.file is not None:
            session.file.close()
    return code


@functools.cache
def _commands() -> Any:  # noqa: ANN401 - a class of typer's own copy of Click
    # Made once: whoever runs command after command in one process spends 10 ms less on each.
    return get_command(app)


def _ended(arguments: Sequence[str], session: Session, *, dotenv: bool) -> int:
    try:
        if dotenv:
            session.environment = with_dotenv(session.environment, Path())
        code = _commands().main(
            args=[*arguments] or ["--help"], prog_name="resumable", standalone_mode=False, obj=session
        )
        if code == ExitCode.INTERRUPTED:  # Ctrl-C before there was anything to finish
            raise session.interrupts.interrupted()
        return code if isinstance(code, int) else ExitCode.COMPLETE
    except SystemExit as ending:
        if isinstance(ending.__context__, BrokenPipeError):  # the reader of a help has seen enough
            return ExitCode.COMPLETE
        return ending.code if isinstance(ending.code, int) else ExitCode.UNEXPECTED
    except KeyboardInterrupt:
        return _failed(session, session.interrupts.interrupted())
    except Exception as error:  # noqa: BLE001 - the one place where whatever happened becomes words
        return _failed(session, error)


def _failed(session: Session, error: Exception) -> int:
    from resumable.cli.failure import report  # brings the manifest, which most calls for help do without

    return report(session, error)


def _tolerant(stream: TextIO) -> TextIO:
    # In a locale without these characters a dash in a message must not end an eight-hour run.
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return stream
