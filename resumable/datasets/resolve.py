"""The catalogue: what can be downloaded, by name. Naming them costs nothing; a dataset is imported when it is used."""

from dataclasses import replace

from resumable.datasets.catalogue import CATALOGUE
from resumable.datasets.contract import AnyContract
from resumable.errors import UsageError
from resumable.models import JobSpec, Query


def get(name: str) -> AnyContract:
    """Return the dataset of that name, or that a TOML file describes. Raises UsageError with what is wrong."""
    if is_file(name):
        from resumable.datasets.described.declared import load

        return load(name, reserved=frozenset(CATALOGUE))
    if name not in CATALOGUE:
        known = f"Known are: {', '.join(CATALOGUE)}; or name a file that describes another one: ./endpoint.toml"
        raise UsageError(f"there is no dataset {name!a}.", hint=known)
    # Imported where they are used: a status needs none of them, and pyarrow comes with them.
    if name == "conversations-pagecount":
        from resumable.datasets.pagecount import ConversationsPageCount

        return ConversationsPageCount()
    if name in ("users", "queues", "wrapupcodes"):
        from resumable.datasets.entities import entity_list

        return entity_list(name)
    from resumable.datasets.details import CONVERSATIONS, USERS
    from resumable.datasets.details_job import DetailsJob
    from resumable.datasets.details_query import DetailsQuery

    subject = USERS if name.startswith("user") else CONVERSATIONS
    return (DetailsJob if name.endswith("-jobs") else DetailsQuery)(name=name, subject=subject)


def is_file(name: str) -> bool:
    """Tell whether a dataset is named by the path of the file that describes it."""
    return name.endswith(".toml") or "/" in name


def of_job(spec: JobSpec, columns: str | None) -> AnyContract:
    """Return the dataset of a job that has been made, from its manifest alone; `columns` are the inferred ones."""
    if spec.query.declaration is None:
        return get(spec.dataset)
    from resumable.datasets.described.declared import rebuilt

    return rebuilt(spec.query.declaration, columns or "")


def resolve(spec: JobSpec) -> tuple[JobSpec, AnyContract]:
    """Return what a spec asks for, and the spec as a manifest keeps it: a file's content in place of its path.

    Raises UsageError for a file that cannot be used, and for filters that its requests have no place for.
    """
    if spec.query.declaration is not None:
        return spec, of_job(spec, None)
    if not is_file(spec.dataset):
        return spec, get(spec.dataset)
    from resumable.datasets.described.declared import load

    contract = load(spec.dataset, reserved=frozenset(CATALOGUE))
    canonical = contract.declaration.canonical
    if spec.query != Query():
        raise UsageError(
            f"{contract.name} comes from a file, and takes no filters on the command line.",
            hint="Put them into the file: [request.params] or [request.body].",
        )
    size = contract.page_size_default if contract.page_size_fixed else spec.page_size
    return replace(spec, dataset=contract.name, query=Query(declaration=canonical), page_size=size), contract
