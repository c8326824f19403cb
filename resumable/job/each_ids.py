"""Finds the ids that a dataset has a request for each of: those of another job, of a file, or as they are typed."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from resumable.config import Settings
from resumable.datasets.contract import Contract, usable_id
from resumable.datasets.facts import IdsOf
from resumable.errors import UsageError
from resumable.export import source
from resumable.job.queue_ids import may_be_asked

_LARGEST_BYTES: Final = 50_000_000


def ids_of(typed: Sequence[str], wanted: IdsOf, contract: Contract, settings: Settings) -> tuple[tuple[str, ...], str]:
    """Return the ids, sorted and each once, and in words where they are from.

    Each that is typed is the name of a job, `@FILE` with an id a line, or an id; nothing typed is the newest job of the
    dataset that names them. A job must be complete: an id that is missing would be missing for ever. Raises UsageError
    for ids that there are none of, too many, or that no request could hold; Incomplete for such a job.
    """
    named = {home.name for home in settings.files.jobs()} if typed else set()
    whence = ", ".join(f"job {each}" if each in named else each for each in typed[:3])
    if typed:
        found = {id_ for each in typed for id_ in _of(each, named, wanted, contract, settings)}
    else:
        listed = source.newest(settings.files, wanted.dataset, {}, lambda job: may_be_asked(job, contract, settings))
        if listed is None:
            raise UsageError(
                f"{contract.name} has a request for each id of {wanted.dataset or 'a list'}, and no job holds them.",
                hint="Name them with --each JOB or --each @FILE" + ("; or first:" if wanted.dataset else "."),
                command=f"resumable backfill {wanted.dataset}" if wanted.dataset else "",
            )
        whence = f"job {listed.job.name}"
        found = {*_of_job(listed.job.name, wanted, contract, settings)}
    if wrong := next((id_ for id_ in found if not usable_id(id_) or "," in id_), None):
        raise UsageError(
            f"{wrong[:60]!a} of {whence} is not an id that a request could hold.", hint="Check what --each names."
        )
    if not 1 <= len(found) <= wanted.most:
        raise UsageError(
            f"{whence} holds {len(found):,} ids, and a job of {contract.name} takes 1 to {wanted.most:,}.",
            hint="Of more, make several jobs: --each @FILE with a part of them each.",
        )
    return tuple(sorted(found)), whence


def _of(typed: str, named: set[str], wanted: IdsOf, contract: Contract, settings: Settings) -> Iterable[str]:
    if typed.startswith("@"):
        return _of_file(Path(typed[1:]))
    return _of_job(typed, wanted, contract, settings) if typed in named else [typed]


def _of_file(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint="It holds an id a line.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    if len(content) > _LARGEST_BYTES:
        raise UsageError(f"{path} is longer than {_LARGEST_BYTES:,} bytes.", hint="It holds an id a line.")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _of_job(name: str, wanted: IdsOf, contract: Contract, settings: Settings) -> set[str]:
    found = source.read(settings.files.job(name), partial=False)
    if not may_be_asked(found.job, contract, settings):
        raise UsageError(
            f"the job {name} holds another organisation's data.", hint="Name one of the same organisation."
        )
    member, _, below = wanted.member.partition(".")
    if member not in found.schema.root.members:
        raise UsageError(
            f"the job {name} has no column {member}, and {contract.name} is asked for by it.",
            hint=f"Name a job of {wanted.dataset or 'another dataset'}.",
        )
    ids: set[str] = set()
    for piece in found.pieces:
        table = found.proven.table(piece.key, piece.part, columns=[member])
        for value in table.column(member).to_pylist():
            ids |= {*_texts(value, [*filter(None, below.split("."))])}
    return ids


def _texts(value: Any, way: list[str]) -> Iterator[str]:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, list):
        for each in value:
            yield from _texts(each, way)
    elif isinstance(value, dict):
        if way:
            yield from _texts(value.get(way[0]), way[1:])
    elif value is not None and not way:
        yield str(value)
