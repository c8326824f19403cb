"""What is recorded against what is there: every part with its recorded size, every window's folder its own.

One listing a window, and the end of one part of it: of contents no more is read. Measured for 10,000 parts in 100
windows: 0.13 s of CPU time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from resumable.errors import VerificationFailed
from resumable.manifest.reader import ManifestReader
from resumable.manifest.rows import PageRow, WindowRow
from resumable.models import PageKey, label
from resumable.storage.claims import claim_of
from resumable.storage.durable import FOLDER
from resumable.storage.job_files import PARTS, JobFiles, part_key, window_key
from resumable.text import amount

NAMED = 5
"""Places that a message names."""


@dataclass(frozen=True, kw_only=True)
class Lack:
    """What of a window is not as it was recorded."""

    pages: int
    text: str


def lacks(manifest: ManifestReader, home: JobFiles) -> Iterator[Lack]:
    """Yield what is recorded and not there, or has another size, or lies in the place of another's; window by window.

    Raises StorageFailed.
    """
    there = home.store.kind(PARTS) == FOLDER
    for row in manifest.windows():
        pages = manifest.pages(row.window) if row.done else []
        if not pages:
            continue
        sizes = home.store.sizes(window_key(row.window.interval)) if there else {}
        wrong = [found for page in pages if (found := _wrong(row, page, sizes))]
        if wrong and len(wrong) == len(pages):
            yield Lack(pages=len(wrong), text=f"{label(row.window.interval)} ({amount(len(wrong), 'page')})")
            continue
        yield from (Lack(pages=1, text=text) for text in wrong)
        if not wrong and (text := _strange(manifest, home, row, pages[0])):
            yield Lack(pages=len(pages), text=text)


def check_there(manifest: ManifestReader, home: JobFiles) -> None:
    """Raise VerificationFailed naming what is gone, where not every recorded part is there. Raises StorageFailed."""
    found = lacks(manifest, home)
    named = [*islice(found, NAMED)]
    if not named:
        return
    rest = [*found]
    count = sum(lack.pages for lack in (*named, *rest))
    more = f" and {amount(len(rest), 'place')} more" if rest else ""
    done = manifest.totals().pages_done
    raise VerificationFailed(
        f"{count:,} of {done:,} recorded parts are not there as they were recorded:"
        f" {', '.join(lack.text for lack in named)}{more}.",
        hint="The job is not called complete. Download them again with:",
        command=f"resumable repair {home.name}",
    )


def _wrong(row: WindowRow, page: PageRow, sizes: Mapping[str, int]) -> str | None:
    """Say what is wrong with a part by its size alone; None where that is as recorded."""
    key = PageKey(window=row.window.interval, take=row.window.take, number=page.number)
    size = sizes.get(part_key(key))
    if size == page.part.size:
        return None
    return f"{key} is gone" if size is None else f"{key} has {size:,} bytes, not {page.part.size:,}"


def _strange(manifest: ManifestReader, home: JobFiles, row: WindowRow, page: PageRow) -> str | None:
    """Say whose a window's folder is, where its first part does not say that it is this window's of this job."""
    key = PageKey(window=row.window.interval, take=row.window.take, number=page.number)
    claim = claim_of(home, part_key(key))
    if claim is not None and claim.page == key and claim.job == manifest.job().uuid:
        return None
    if claim is None:
        return f"{key} is damaged"
    return f"{key} says that it is {claim.page} of {claim.job_name}"
