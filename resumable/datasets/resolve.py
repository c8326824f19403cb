"""Finds a dataset by its name, or by the file that describes it; one of the catalogue is imported when it is used."""

import importlib
from collections.abc import Mapping
from dataclasses import replace

from resumable.datasets.catalogue import CATALOGUE
from resumable.datasets.contract import AnyContract
from resumable.datasets.limits import page_size
from resumable.errors import UsageError
from resumable.models import JobSpec, Query


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


def resolve(spec: JobSpec) -> tuple[JobSpec, AnyContract]:
    """Return the dataset that a spec asks for, and the spec as a manifest keeps it.

    That has the content of a describing file in place of its path, and a page size that the contract allows. Raises
    UsageError for a file that cannot be used, for filters that its requests have no place for, and for a page size.
    """
    contract = of_job(spec, None)
    if contract.description is not None and spec.query.declaration is None:
        if replace(spec.query, privacy=None, zone=None, each=()) != Query():
            raise UsageError(
                f"{contract.name} comes from a file, and takes no filters on the command line.",
                hint="Put them into the file: [request.params] or [request.body].",
            )
        spec = replace(spec, dataset=contract.name, query=replace(spec.query, declaration=contract.description))
    return replace(spec, page_size=page_size(contract, spec.page_size)), contract
