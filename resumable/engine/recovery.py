"""Brings a window's folder and its rows together again after a kill: adopts orphans, removes what is torn or stale."""

from resumable.manifest.rows import JobRow, WindowRow
from resumable.manifest.store import Manifest
from resumable.models import EventKind, PageKey, PartFact, Snapshot, Window, WindowState, label
from resumable.storage.durable import is_temporary
from resumable.storage.job_files import name_of
from resumable.storage.parts import Footer, Parts


def recover(window: Window, *, manifest: Manifest, parts: Parts, job: JobRow) -> WindowRow:
    """Make what a killed run left of a window whole again, and return the window as it stands then.

    A part that was renamed and not yet recorded is adopted when it proves to be the page that it says it is; any other
    part without a row is removed, and so are temporary files. Parts of older takes stay until the window is complete.
    Where others may write, nothing is removed: a removal that came late would take what they have put there since, and
    who writes the page judges what is there.
    """
    keys, strange = parts.found(window.interval)
    for name in strange:
        if is_temporary(name_of(name)):
            parts.store.remove(name)
            manifest.event(EventKind.REMOVED, f"{label(window.interval)}: {name_of(name)}, which is torn")
    row = manifest.window(window.id)
    done = {page.number for page in manifest.pages(window)}
    for key in keys:
        if key.take < window.take or (key.take == window.take and key.number in done):
            continue
        adopted = _adopt(key, row, manifest=manifest, parts=parts, job=job)
        if adopted is None and parts.store.contested:
            continue
        if adopted is None:
            parts.remove(key)
            manifest.event(EventKind.REMOVED, f"{key}: a part that no row names and that does not prove itself")
        else:
            row = adopted
            manifest.event(EventKind.ADOPTED, f"{key}: its part was whole and not yet recorded")
    return row


def remove_stale(window: Window, *, manifest: Manifest, parts: Parts) -> None:
    """Remove the parts of a window's older takes, then their rows: killed in between, it is done again."""
    keys, _ = parts.found(window.interval)
    for key in keys:
        if key.take < window.take:
            parts.remove(key)
    # Whether this run removed them or one before it: a name that a power cut brings back would have no row any more.
    parts.settle(window.interval)
    manifest.forget_stale(window)


def foreign_part(footer: Footer, job: JobRow) -> bool:
    """Tell whether a part says that it holds another organisation's data: by ids, for clients and addresses change."""
    known = None if job.organisation is None else job.organisation.id
    return None not in (known, footer.organisation) and known != footer.organisation


def _adopt(key: PageKey, row: WindowRow, *, manifest: Manifest, parts: Parts, job: JobRow) -> WindowRow | None:
    found = parts.inspect(key)
    if found is None or key.take != row.window.take:
        return None
    footer, part = found
    if (footer.job, footer.query_digest, footer.schema_digest) != (job.uuid, job.spec.digest, job.schema_digest):
        return None
    if foreign_part(footer, job) or footer.contract != row.contract:
        return None
    if manifest.remote(row.window) is not None:
        # Pages along a cursor come strictly one after the other: only the next one can be an orphan.
        next_one = footer.number == row.done + 1
        return manifest.cursor_page_done(row.window, footer.number, part, footer.cursor) if next_one else None
    if row.window.state is WindowState.PLANNED:
        return _adopt_first(row.window, footer, part, manifest)
    snapshot = row.window.snapshot
    if snapshot is None or footer.number > snapshot.page_count:
        return None
    moved = (footer.page_count, footer.total) != (snapshot.page_count, snapshot.total)
    return manifest.page_done(row.window, footer.number, part, moved=moved)


def _adopt_first(window: Window, footer: Footer, part: PartFact, manifest: Manifest) -> WindowRow | None:
    if footer.number != 1:
        return None
    snapshot = Snapshot(
        number=window.take,
        page_count=footer.snapshot_page_count,
        total=footer.snapshot_total,
        page_size=footer.snapshot_page_size,
    )
    return manifest.first_page_done(window, snapshot, part)
