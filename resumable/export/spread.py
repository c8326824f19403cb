"""An export that several workers make: parts are looked at, keys compared and days written by whoever is free.

The same rows as by one process, by the same code: what that keeps in memory and in files goes from worker to worker.
A worker is told names and numbers, finds the job, its credentials and its keys by itself, and proves every part.
"""

import functools
import os
import resource
import tempfile
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from resumable.api.session import private_tables
from resumable.config import Settings, from_environment, state_of
from resumable.errors import StorageFailed, UsageError
from resumable.export import index as indexes
from resumable.export import made, rows
from resumable.export.bucket_target import BucketTarget, digest_of
from resumable.export.index import Index, Slice
from resumable.export.made import Elsewhere
from resumable.export.preparation import prepared
from resumable.export.receipt import DayFacts, day_name
from resumable.export.request import ExportRequest
from resumable.export.work import ExportWork
from resumable.storage import durable
from resumable.storage.address import Address
from resumable.storage.store import StoredFile

PARTS_EACH: Final = 500
"""Parts at most that one call looks at: a lost worker costs no more than these once again."""

Opened = Callable[[str], Settings]
"""Makes the settings of a worker, by what names the state."""


class Workers(Protocol):
    """Who calls functions elsewhere."""

    def call(self, function: Callable[..., Any], *arguments: Any, returns: int = 1) -> Sequence[Any]:  # noqa: ANN401 - of any function
        """Have a function called; return what stands for each of what it returns, and may be an argument of others."""

    def result(self, promised: Any) -> Any:  # noqa: ANN401 - of any function
        """Wait for what one of these stands for. Raises what the function raised, StorageFailed for a lost worker."""


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Who makes an export together."""

    workers: Workers
    count: int
    """About how many they are."""
    opened: Opened


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a worker is told of an export: nothing secret."""

    state: str
    job: str
    request: ExportRequest
    digest: str
    """Of the source, which has to be the same for all."""
    made_as: str
    opened: Opened


@dataclass(frozen=True, kw_only=True)
class DaysWritten:
    """What a worker has written."""

    facts: dict[int, DayFacts]
    keys: dict[int, str]
    """Where it has put them in a bucket, by day."""
    peak_bytes: int
    """The most memory that the worker has had."""


def on_this_machine(state: str) -> Settings:
    """Return the settings that the environment of a worker makes."""
    return replace(from_environment(os.environ), state=state_of(state))


def look(recipe: Recipe, first: int, end: int, many: int) -> list[Any]:
    """Prove some parts; return their slices, and their keys spread over so many heaps."""
    work = _work(recipe)
    index = Index(source=work.source, calendar=work.calendar)
    found: list[list[Slice]] = []
    heaps = [bytearray() for _ in range(many)]
    for number in range(first, end):
        slices, hashes = indexes.looked(index, number)
        found.append(slices)
        for heap, line in zip(heaps, indexes.spread(number, hashes, many), strict=True):
            heap += line
    return [found, *map(bytes, heaps)]


def compare(recipe: Recipe, *heaps: bytes) -> list[Any]:
    """Return the rows that newer ones stand for, by part, of the keys in one heap of every look."""
    return [indexes.older(_work(recipe).source, indexes.repeated_in(b"".join(heaps)))]


def write(recipe: Recipe, index: tuple[Any, Any, Any], folder: str | None, staging: str) -> list[Any]:
    """Write some days into a folder that all see, or below a key of the bucket that the export goes to."""
    work = _work(recipe)
    days, dropped, cut = index
    own = Index(source=work.source, calendar=work.calendar, days=days)
    own.dropped.update(dropped)
    own.cut.update(cut)
    with tempfile.TemporaryDirectory(prefix="resumable-export-") as scratch:
        work.scratch = Path(scratch)
        place = Path(scratch) / "made" if folder is None else Path(folder)
        facts = made.some_days(work, own, sorted(days), place)
        if folder is not None:
            return [DaysWritten(facts=facts, keys={}, peak_bytes=_peak())]
        target, keys = _target(recipe), dict[int, str]()
        for day, each in facts.items():
            if each.file is not None:
                key, path = f"{staging}/{os.urandom(8).hex()}/{each.file}", place / each.file
                facts[day] = replace(each, sha256=digest_of(path))
                target.put(key, path, facts[day].sha256)
                keys[day] = key
        return [DaysWritten(facts=facts, keys=keys, peak_bytes=_peak())]


def settle(recipe: Recipe, staged: str, key: str, sha256: str, tag: str | None) -> list[Any]:
    """Give what was put its last key, in the place of what was seen there; return the tag of what is there then."""
    target = _target(recipe)
    return [target.settle(staged, key, sha256, tag)]


def _work(recipe: Recipe) -> ExportWork:
    settings = recipe.opened(recipe.state)
    rules = recipe.request.privacy
    private = None if rules is None else private_tables(rules.to_json(), settings)
    work, _ = prepared(settings.files.job(recipe.job), recipe.request, private=private)
    if (work.source.digest, work.made_as) != (recipe.digest, recipe.made_as):
        raise StorageFailed(
            f"a worker sees another job {recipe.job} than the one that is exported.",
            hint="Let all machines see one state, with the same lists of names, and have the same version.",
        )
    return work


def _target(recipe: Recipe) -> BucketTarget:
    if not isinstance(recipe.request.to, Address):
        raise UsageError("the export does not go to a bucket.", hint="Name a URL such as s3://bucket/name.")
    above, _, name = recipe.request.to.prefix.rpartition("/")
    return BucketTarget(store=recipe.opened(recipe.state).store_at(replace(recipe.request.to, prefix=above)), name=name)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@dataclass(kw_only=True)
class Spread:
    """One export by several workers."""

    recipe: Recipe
    workers: Workers
    crew: int
    """About how many workers there are."""
    keys: dict[int, str] = field(default_factory=dict)
    """Where days are that were put into a bucket and are not in their place yet."""
    peak_bytes: int = 0
    """The most memory that a worker has had."""

    def index(self, work: ExportWork) -> Index:
        """Look at every part."""
        pieces = len(work.source.pieces)
        many = max(self.crew, indexes.files_for(work.source))
        each = max(1, min(PARTS_EACH, -(-pieces // (2 * self.crew))))
        looks = [
            self.workers.call(look, self.recipe, first, min(first + each, pieces), many, returns=many + 1)
            for first in range(0, pieces, each)
        ]
        heaps = range(1, many + 1) if looks else ()
        compared = [self.workers.call(compare, self.recipe, *(found[n] for found in looks))[0] for n in heaps]
        index, done = Index(source=work.source, calendar=work.calendar), 0
        for found in looks:
            for slices in self.workers.result(found[0]):
                done += 1
                work.watching(done, pieces, "parts read")
                for one in slices:
                    index.days[one.day].append(one)
        gone = index.cut if work.source.schema.bundles else index.dropped
        for promised in compared:
            for number, numbers in self.workers.result(promised).items():
                gone[number] = array("I", sorted([*gone[number], *numbers]))
        indexes.settle_bundles(index)
        return index

    def into_folder(self, work: ExportWork, index: Index, folder: Path) -> Elsewhere:
        """Return what has days written into a folder that all workers see."""
        return functools.partial(self._written, work, index, str(folder), "")

    def into_bucket(self, work: ExportWork, index: Index, staging: str) -> Elsewhere:
        """Return what has days put below a key of the bucket, each by its worker."""
        return functools.partial(self._written, work, index, None, staging)

    def _written(
        self, work: ExportWork, index: Index, folder: str | None, staging: str, days: list[int]
    ) -> dict[int, DayFacts]:
        calls: list[Any] = []
        for batch in rows.batches(index, days):
            pieces = {each.piece for day in batch for each in index.days[day]}
            own = (
                {day: index.days[day] for day in batch},
                {piece: index.dropped[piece] for piece in pieces if piece in index.dropped},
                {piece: index.cut[piece] for piece in pieces if piece in index.cut},
            )
            calls += self.workers.call(write, self.recipe, own, folder, staging)
        facts: dict[int, DayFacts] = {}
        for done, promised in enumerate(calls, 1):
            written: DaysWritten = self.workers.result(promised)
            facts |= {day: replace(each, digest=index.digest(day)) for day, each in written.facts.items()}
            self.keys |= written.keys
            self.peak_bytes = max(self.peak_bytes, written.peak_bytes)
            work.watching(done, len(calls), "groups of days written")
        work.counts = {day: each.rows for day, each in facts.items()}
        if folder is not None and not all(_is_seen(Path(folder), each) for each in facts.values()):
            raise StorageFailed(
                "a worker has written to a folder that this machine does not see.",
                hint="Export to a bucket, or to a folder that all machines see.",
            )
        return facts

    def settle(
        self, fresh: dict[str, DayFacts], keys: dict[str, str], seen: Mapping[str, StoredFile]
    ) -> dict[str, str]:
        """Have the days that were put moved to their place; return the tags that they have there."""
        promised = {}
        for day, staged in self.keys.items():
            name = day_name(day)
            there = seen.get(keys[name])
            tag = None if there is None else str(there.tag)
            arguments = (staged, keys[name], fresh[name].sha256, tag)
            promised[name] = self.workers.call(settle, self.recipe, *arguments)[0]
        return {name: str(self.workers.result(each)) for name, each in promised.items()}


def _is_seen(folder: Path, facts: DayFacts) -> bool:
    return facts.file is None or (
        durable.exists(folder / facts.file) and durable.size_of(folder / facts.file) == facts.size
    )
