"""What lies in a job's folders and belongs to no row: orphans, which a reader takes for data, and leftovers."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from resumable.manifest.rows import WindowRow
from resumable.models import PageKey, WindowState, label
from resumable.storage.durable import FILE, FOLDER, is_temporary, temporary_name
from resumable.storage.job_files import PARTS, RECEIPT, name_of, take_and_number, window_key
from resumable.text import spoken
from resumable.verify.findings import Finding, Flaw
from resumable.verify.subject import Subject

HIDDEN = (".", "_")
"""What the names of files begin with that pyarrow and pandas pass over."""

READ: Final = ".parquet"
"""What the names of files end with that DuckDB and Polars read whatever they begin with: `._page-00001.parquet`, which
macOS lays beside a file on a disk that is not its own, ends every query of theirs."""


def parts_folder(subject: Subject) -> Finding | None:
    """Return what is wrong with `parts/` itself, where it is no folder; nothing in it is looked at then."""
    kind = subject.store.kind(PARTS)
    if kind in (FOLDER, None):
        return None
    text = f"{kind} is in the place of the folder {subject.store.place(PARTS)}."
    return subject.file(Flaw.NOT_A_FILE, PARTS, text)


def strays(subject: Subject, row: WindowRow) -> Iterator[Finding]:
    """Yield the files in a window's folder that no row names."""
    window, checks = row.window, subject.manifest.checks
    takes = {take: {page.number for page in checks.pages(window, take)} for take in checks.takes(window)}
    mend = subject.repair if window.state is WindowState.COMPLETE else subject.resume
    folder = window_key(window.interval)
    kind = subject.store.kind(folder)
    if kind not in (FOLDER, None) and not any(takes.values()):
        found = subject.file(
            Flaw.NOT_A_FILE, folder, f"{spoken(window.interval)}: {kind} is in the place of its folder."
        )
        yield replace(found, window=window.interval, take=window.take)
    for key in subject.store.list(folder):
        named = take_and_number(key)
        if named is not None and named[1] in takes.get(named[0], ()):
            continue
        page = None if named is None else PageKey(window=window.interval, take=named[0], number=named[1])
        where = label(window.interval) if page is None else str(page)
        flaw, text = _judged(subject, key)
        if flaw is not None:
            yield replace(
                subject.file(flaw, key, f"{where}: {text}."),
                window=window.interval,
                take=None if page is None else page.take,
                number=None if page is None else page.number,
                mend=mend if flaw is Flaw.LEFTOVER or page is not None else subject.repair,
            )


def strangers(subject: Subject, known: set[str]) -> Iterator[Finding]:
    """Yield what lies in `parts/` beside what windows have (`known` by key), and temporary files above it."""
    store = subject.store
    for key in store.list(PARTS):
        if key in known:
            continue
        below = store.list(key) if store.kind(key) == FOLDER else None
        if below is not None and (not below or name_of(key).startswith("window=")):
            # An empty folder hurts nobody: a window that was split leaves one.
            for file in below:
                yield from _of_job(subject, file)
        else:
            yield from _of_job(subject, key)
    receipt = temporary_name(RECEIPT)
    if store.kind(receipt) is not None:
        yield from _of_job(subject, receipt)


def _judged(subject: Subject, key: str) -> tuple[Flaw | None, str]:
    kind, name = subject.store.kind(key) or FILE, name_of(key)
    if is_temporary(name):
        return Flaw.LEFTOVER, f"{name} is a temporary file that was never finished"
    if name.startswith(HIDDEN) and not _globbed(subject, key):
        return None, ""
    return Flaw.ORPHAN, f"{name} is {kind} that no row names, and readers of the folder take it for data"


def _globbed(subject: Subject, key: str) -> bool:
    """Tell whether `**/*.parquet` finds something hidden, or something in a folder that is."""
    if subject.store.kind(key) == FOLDER:
        return any(_globbed(subject, below) for below in subject.store.list(key))
    return key.endswith(READ)


def _of_job(subject: Subject, key: str) -> Iterator[Finding]:
    flaw, text = _judged(subject, key)
    if flaw is not None:
        above = name_of(key.rpartition("/")[0]) or subject.name
        yield subject.file(flaw, key, f"{above}: {text}.")
