"""Lets a run go as its job was begun: what is not typed is as it was typed then."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from resumable.cli.job_file import JobFile
from resumable.cli.options import RunOptions, file_keys
from resumable.cli.session import Session
from resumable.cli.signature import rows
from resumable.errors import UsageError
from resumable.job.begun import Begun, recall
from resumable.storage.job_files import JobFiles

Options = TypeVar("Options", bound=RunOptions)

TYPED = {row.name: row.typed for row in rows(RunOptions)}


def begun_of(options: RunOptions) -> Begun:
    """Return what is to be remembered of what was typed, or stood in a job file."""
    return Begun(
        rate=options.rate,
        workers=options.workers,
        patience=options.patience,
        on_drift=options.on_drift,
        no_count=options.no_count or None,
        config=None if options.config is None else str(Path(options.config).absolute()),
        profile=options.profile,
        hash_key=options.hash_key,
    )


def as_begun(session: Session, options: Options, home: JobFiles) -> Options:
    """Return the options with what the job was begun with in the place of what was not typed, and say so.

    Reads its job file again where a profile is taken from there. Raises UsageError where it is not there any more.
    """
    begun = recall(home)
    taken = {name: value for name, value in vars(begun).items() if value and not getattr(options, name)}
    if options.profile is not None or options.config is not None:
        taken = {name: value for name, value in taken.items() if name not in ("config", "profile")}
    if begun.profile is None:
        taken.pop("config", None)  # what else it said is remembered itself
    if not taken:
        return options
    if "profile" in taken and begun.config is not None:
        session.job_file = _read_again(begun.config, begun.profile or "", home.name)
    flags = " ".join(f"{TYPED[name]} {shlex.quote(str(value))}".removesuffix(" True") for name, value in taken.items())
    session.tell(f"as it was begun: {flags}")
    return replace(options, **taken)


def _read_again(config: str, profile: str, job: str) -> JobFile:
    try:
        return JobFile.read(config, file_keys())
    except UsageError as error:
        raise UsageError(
            f"the job {job} was begun with the profile {profile} of a job file: {error.message}",
            hint="Name the file where it is now with --config.",
        ) from None
