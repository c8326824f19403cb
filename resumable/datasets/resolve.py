"""Finds a dataset by its name, or by the file that describes it; one of the catalogue is imported when it is used."""

import importlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from resumable.datasets.catalogue import CATALOGUE
from resumable.datasets.contract import AnyContract
from resumable.datasets.limits import page_size
from resumable.errors import UsageError
from resumable.models import USUAL_SIZE, JobSpec, Query

LEAST_WINDOW: Final = timedelta(minutes=1)

LISTS: Final = ("each", "queues", "divisions", "media_types", "directions", "group_by", "metrics")
"""The fields of a `Query` that narrow it."""


def get(name: str) -> AnyContract:
    """Return the dataset of that name, or that a TOML file describes. Raises UsageError with what is wrong."""
    if is_file(name):
        from resumable.datasets.described.endpoints import load

        return load(name, reserved=frozenset(CATALOGUE))
    if name not in CATALOGUE:
        known = f"Known are: {', '.join(CATALOGUE)}; or name a file that describes another one: ./endpoint.toml"
        raise UsageError(f"there is no dataset {name!a}.", hint=known)
    if CATALOGUE[name].module is None:
        from resumable.datasets.described.endpoints import shipped

        return shipped(name)
    module = importlib.import_module(f"resumable.datasets.{CATALOGUE[name].module}")
    datasets: Mapping[str, AnyContract] = module.DATASETS
    return datasets[name]


def is_file(name: str) -> bool:
    """Tell whether a dataset is named by the path of the file that describes it."""
    return name.endswith(".toml") or "/" in name


def of_job(spec: JobSpec, columns: str | None) -> AnyContract:
    """Return the dataset of a job that has been made, from its manifest alone; `columns` are the inferred ones.

    Raises UsageError for a name that is not known, ManifestUnusable for a description that makes no sense.
    """
    if spec.query.declaration is None:
        return get(spec.dataset)
    from resumable.datasets.described.endpoints import rebuilt

    return rebuilt(spec.query.declaration, columns or "")


def _check(spec: JobSpec, contract: AnyContract) -> None:
    """Raise UsageError for what the command line would not let be typed: a program may hand in anything."""
    if spec.window < LEAST_WINDOW:
        raise UsageError(f"a window of {spec.window} is too short.", hint="The shortest has a minute.")
    if spec.query.zone is not None:
        try:
            ZoneInfo(spec.query.zone)
        except (LookupError, ValueError, OSError):
            known = f"{spec.query.zone[:40]!a} is not a time zone that this machine knows."
            raise UsageError(known, hint="Such as Europe/Berlin, or America/New_York.") from None
    try:
        free = json.loads(spec.query.filter or "{}")
    except ValueError:
        free = None
    parts = contract.filters.free
    if not isinstance(free, dict) or any(part not in parts or not isinstance(free[part], list) for part in free):
        hint = f"It holds lists by the names {', '.join(parts)}." if parts else f"{contract.name} takes none."
        raise UsageError("the filter is not JSON that this dataset takes.", hint=hint)
    if contract.description is None:
        given = [name for name in LISTS if getattr(spec.query, name) and name not in contract.filters.fields]
        if given:
            raise UsageError(f"{contract.name} cannot be narrowed by {', '.join(given)}.", hint="Leave them out.")


def resolve(spec: JobSpec) -> tuple[JobSpec, AnyContract]:
    """Return the dataset that a spec asks for, and the spec as a manifest keeps it.

    That has the content of a describing file in place of its path, and a page size that the contract allows. Raises
    UsageError for a file that cannot be used, for filters that its requests have no place for, and for a page size.
    """
    contract = of_job(spec, None)
    _check(spec, contract)
    if contract.description is not None and spec.query.declaration is None:
        if replace(spec.query, privacy=None, zone=None, each=()) != Query():
            raise UsageError(
                f"{contract.name} comes from a file, and takes no filters on the command line.",
                hint="Put them into the file: [request.params] or [request.body].",
            )
        spec = replace(spec, dataset=contract.name, query=replace(spec.query, declaration=contract.description))
    wished = None if spec.page_size == USUAL_SIZE else spec.page_size
    return replace(spec, page_size=page_size(contract, wished)), contract
