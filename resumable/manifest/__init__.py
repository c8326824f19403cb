"""The job's memory: what is known of every window, and which pages are done. The only package that imports sqlite3."""

from resumable.manifest.lock import held, hold, hold_to_look
from resumable.manifest.mending import Placed
from resumable.manifest.minutes import MinuteRow
from resumable.manifest.reader import ManifestReader
from resumable.manifest.remotes import RemoteRow
from resumable.manifest.rows import JobRow, PageRow, Quarantined, Totals, WindowRow
from resumable.manifest.store import Manifest

__all__ = [
    "JobRow",
    "Manifest",
    "ManifestReader",
    "MinuteRow",
    "PageRow",
    "Placed",
    "Quarantined",
    "RemoteRow",
    "Totals",
    "WindowRow",
    "held",
    "hold",
    "hold_to_look",
]
