"""What the shell offers after a tab: names of datasets and of jobs."""

import os

import typer

from resumable.datasets.catalogue import CATALOGUE


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
    from resumable import status
    from resumable.cli.parse import state_folder
    from resumable.errors import ResumableError
    from resumable.storage.job_files import StateFiles

    found = []
    try:
        state = state_folder(ctx.params.get("state"), os.environ.get("RESUMABLE_STATE"))
        for home in StateFiles(folder=state).jobs():
            known = status.read(home, events=0)
            if known is not None:
                found.append((home.name, known.state.value))
    except (ResumableError, OSError):
        return found  # a tab is no place for an error: what was found so far is offered
    return found
