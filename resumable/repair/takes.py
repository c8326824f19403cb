"""What the parts of one take of a window add up to, where each proves itself."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from resumable.manifest.repairs import Placed
from resumable.manifest.rows import PageRow
from resumable.models import Snapshot, WindowContract, moment_of
from resumable.storage.parts import Footer


@dataclass(frozen=True, kw_only=True)
class ProvenPart:
    """A part that proves itself."""

    footer: Footer
    """What it says of itself."""
    page: PageRow
    """Its row."""
    table: pa.Table
    """What tells its records apart and whether they have ended."""


@dataclass(frozen=True, kw_only=True)
class Take:
    """The parts of one take that prove themselves."""

    placed: Placed
    whole: bool
    """Whether every page is there."""
    by_number: bool
    """Whether its pages are numbered, and need no cursor to go on from."""
    tables: Mapping[int, pa.Table]
    """By page, the columns that were read."""


def take_of(number: int, found: Sequence[ProvenPart], *, by_number: bool) -> Take:
    """Sum up the parts of a take, sorted by page; the snapshot is what most of them say it was."""
    votes = Tally(_snapshot(one.footer) for one in found)
    named, total, page_size = votes.most_common(1)[0][0]
    page_count = named
    taken_at = max(moment_of(one.footer.taken_at) for one in found)
    if by_number:
        found = [one for one in found if _snapshot(one.footer) == (named, total, page_size)]
        # A page past the last one that was named came because that one was full: they are as many as there are parts.
        more = max([one.page.number for one in found], default=0) > page_count
        page_count = max([page_count, *(one.page.number for one in found)])
        whole = len(found) == page_count
    else:
        # Along a cursor nobody knew how many there would be: the last page is the one with no cursor to a next.
        page_count = len(found)
        cursors = [one.footer.cursor is not None for one in found]
        whole = [one.page.number for one in found] == [*range(1, page_count + 1)]
        whole = whole and all(cursors[:-1]) and not cursors[-1]
        # What the source said that it does not have whole is taken again.
        whole, more = whole and not any(one.footer.cut_at for one in found), False
    placed = Placed(
        snapshot=Snapshot(number=number, page_count=page_count, total=total, page_size=page_size),
        pages=tuple(one.page for one in found),
        contract=contract_of(found[0].footer),
        moved=more or (by_number and any((one.footer.page_count, one.footer.total) != (named, total) for one in found)),
        taken_at=taken_at,
    )
    return Take(placed=placed, whole=whole, by_number=by_number, tables={one.page.number: one.table for one in found})


def contract_of(footer: Footer) -> WindowContract | None:
    """Return by which contract a part says that its window was taken. Raises ValueError for one that is unknown."""
    return None if footer.contract is None else WindowContract(footer.contract)


def _snapshot(footer: Footer) -> tuple[int, int | None, int | None]:
    return footer.snapshot_page_count, footer.snapshot_total, footer.snapshot_page_size
