"""Makes the contract of a description: of a file, of one that ships with the product, or of what a manifest keeps."""

import json
from importlib.resources import files
from typing import TypeAlias

from resumable.datasets.described.columns import declared_columns
from resumable.datasets.described.declaration import Declaration, from_canonical, from_file, from_text
from resumable.datasets.described.pages import DeclaredPages
from resumable.datasets.described.server_job import DeclaredJob
from resumable.datasets.described.walk import DeclaredWalk
from resumable.errors import ManifestUnusable, UsageError
from resumable.tomlfile import TomlSource

Endpoint: TypeAlias = DeclaredPages | DeclaredWalk | DeclaredJob


def load(path: str, *, reserved: frozenset[str]) -> Endpoint:
    """Return the endpoint that a file describes. Raises UsageError naming file, line and key."""
    return _contract(from_file(path, reserved=reserved), "")


def shipped(name: str) -> Endpoint:
    """Return a dataset of the catalogue that a file of the package describes."""
    return _contract(shipped_declaration(name), "")


def shipped_declaration(name: str) -> Declaration:
    """Return the description of a dataset of the catalogue."""
    file = files("resumable.datasets.described").joinpath("catalogue", f"{name}.toml")
    return from_text(file.read_text(encoding="utf-8"), f"{name}.toml")


def rebuilt(canonical: str, columns: str) -> Endpoint:
    """Return the endpoint of a job, from what its manifest keeps: the description, and the columns where inferred.

    Raises ManifestUnusable.
    """
    try:
        return _contract(from_canonical(canonical), columns)
    except (ValueError, UsageError) as error:
        raise ManifestUnusable(
            f"the description of the job's dataset cannot be used: {error}.",
            hint="Use the version that began the job, or begin it again under another --job.",
        ) from None


def _contract(declaration: Declaration, columns: str) -> Endpoint:
    known = declaration.columns
    if known is None and columns:
        known = declared_columns(json.loads(columns), TomlSource(name="the columns kept with the job"))
    if declaration.server_job is not None:
        return DeclaredJob(declaration=declaration, columns=known, server_job=declaration.server_job)
    numbered = declaration.paging.style == "page" and declaration.each is None
    return (DeclaredPages if numbered else DeclaredWalk)(declaration=declaration, columns=known)
