"""What lies in a job's folders and belongs to no row: orphans, which a reader takes for data, and leftovers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from resumable.manifest.rows import WindowRow
from resumable.models import PageKey, WindowState, label
from resumable.status import RECEIPT
from resumable.storage import durable
from resumable.verify.findings import Finding, Flaw
from resumable.verify.subject import Subject

HIDDEN = (".", "_")
"""What the names of files begin with that no reader of a folder of Parquet looks at."""


def parts_folder(subject: Subject) -> Finding | None:
    """Return what is wrong with `parts/` itself, where it is no folder; nothing in it is looked at then."""
    folder = subject.parts.folder
    kind = durable.kind_of(folder)
    if kind in (durable.FOLDER, None):
        return None
    text = f"{kind} is in the place of the folder {folder}."
    return Finding(flaw=Flaw.NOT_A_FILE, path=folder, text=text, mend=subject.repair)


def strays(subject: Subject, row: WindowRow) -> Iterator[Finding]:
    """Yield the files in a window's folder that no row names."""
    window, checks = row.window, subject.manifest.checks
    takes = {take: {page.number for page in checks.pages(window, take)} for take in checks.takes(window)}
    mend = subject.repair if window.state is WindowState.COMPLETE else subject.resume
    folder = subject.parts.window_folder(window.interval)
    kind = durable.kind_of(folder)
    if kind not in (durable.FOLDER, None) and not any(takes.values()):
        text = f"{kind} is in the place of its folder"
        yield replace(subject.window(Flaw.NOT_A_FILE, window, text), path=folder)
    for path in durable.listed(folder):
        named = subject.parts.named(path)
        if named is not None and named[1] in takes.get(named[0], ()):
            continue
        key = None if named is None else PageKey(window=window.interval, take=named[0], number=named[1])
        where = label(window.interval) if key is None else str(key)
        flaw, text = _judged(path)
        if flaw is not None:
            yield Finding(
                flaw=flaw,
                window=window.interval,
                take=None if key is None else key.take,
                number=None if key is None else key.number,
                path=path,
                text=f"{where}: {text}.",
                mend=mend if flaw is Flaw.LEFTOVER or key is not None else subject.repair,
            )


def strangers(subject: Subject, known: set[str]) -> Iterator[Finding]:
    """Yield what lies in `parts/` beside the folders of windows (`known` by name), and temporary files above it."""
    for path in durable.listed(subject.parts.folder):
        if path.name in known:
            continue
        inside = durable.listed(path) if path.name.startswith("window=") else []
        if durable.kind_of(path) == durable.FOLDER and (inside or not any(durable.listed(path))):
            # An empty folder hurts nobody: a window that was split leaves one.
            yield from (_of_job(subject, *_judged(file), file) for file in inside if _judged(file)[0] is not None)
        elif _judged(path)[0] is not None:
            yield _of_job(subject, *_judged(path), path)
    receipt = subject.folder / durable.temporary_name(RECEIPT)
    if durable.kind_of(receipt) is not None:
        yield _of_job(subject, *_judged(receipt), receipt)


def _judged(path: Path) -> tuple[Flaw | None, str]:
    kind = durable.kind_of(path) or durable.FILE
    if path.name.startswith(".") and path.name.endswith(durable.TEMPORARY_SUFFIX):
        return Flaw.LEFTOVER, f"{path.name} is a temporary file that was never finished"
    if path.name.startswith(HIDDEN):
        return None, ""
    return Flaw.ORPHAN, f"{path.name} is {kind} that no row names, and readers of the folder take it for data"


def _of_job(subject: Subject, flaw: Flaw | None, text: str, path: Path) -> Finding:
    return Finding(flaw=flaw or Flaw.ORPHAN, path=path, text=f"{path.parent.name}: {text}.", mend=subject.repair)
