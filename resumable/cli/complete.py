"""What the shell offers after a tab: names of datasets and of jobs."""

import os
from typing import TYPE_CHECKING

import typer

from resumable.datasets.catalogue import CATALOGUE

if TYPE_CHECKING:
    from resumable.storage.job_files import JobFiles


def complete_dataset(incomplete: str) -> list[tuple[str, str]]:
    """Offer the datasets, each with its line."""
    return [(name, listed.line) for name, listed in CATALOGUE.items() if name.startswith(incomplete)]


def complete_job(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the jobs of the state folder, each with its state."""
    return [(name, state) for name, state in _jobs(ctx) if name.startswith(incomplete)]


def complete_unfinished(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the jobs that are not complete."""
    return [(name, state) for name, state in _jobs(ctx) if name.startswith(incomplete) and state != "complete"]


def _jobs(ctx: typer.Context) -> list[tuple[str, str]]:
    from resumable.cli.parse import state_of
    from resumable.config import to_look
    from resumable.errors import ResumableError

    found: list[tuple[str, str]] = []
    try:
        state = state_of(ctx.params.get("state"), os.environ.get("RESUMABLE_STATE"))
        found.extend((home.name, _state(home)) for home in to_look(os.environ, state).files.jobs())
    except (ResumableError, OSError):
        return found  # a tab is no place for an error: what was found so far is offered
    return found


def _state(home: "JobFiles") -> str:
    """Return the state of a job; one that cannot be read is a job all the same."""
    from resumable import status
    from resumable.errors import ResumableError

    try:
        known = status.read(home, events=0)
    except ResumableError:
        return "unusable"
    return "planned" if known is None else known.state.value
