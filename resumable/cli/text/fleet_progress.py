"""How far a fleet is, by its jobs and by the pages that their manifests know."""

from collections.abc import Sequence

from resumable.cli.session import Session
from resumable.cli.text.steps import Step
from resumable.fleet.dispatch import Dispatch
from resumable.fleet.fleet import FleetJob
from resumable.fleet.outcome import looked_at
from resumable.storage.job_files import StateFiles
from resumable.text import amount

LOOK_SECONDS = 2.0
"""So often manifests are looked at, in a folder; in a bucket each look would be a request: jobs alone are counted."""

LOOKED_AT_MOST = 50
"""Jobs whose manifests are looked at each time."""


class FleetProgress:
    """Says how far a fleet is; `look` is handed to who draws it."""

    def __init__(
        self, session: Session, dispatch: Dispatch, jobs: Sequence[FleetJob], files: StateFiles | None
    ) -> None:
        """`files` is where the jobs' manifests are; None where they tell nothing, as of a plan."""
        self._clock = session.clock
        self._dispatch = dispatch
        self._jobs = jobs
        self._files = files if files is not None and files.bucket is None and len(jobs) <= LOOKED_AT_MOST else None
        self._looked = float("-inf")
        self._done = self._expected = 0

    def look(self) -> Step:
        """Return jobs done of all, pages done of those that are expected, and how many jobs run."""
        ends, running, of = len(self._dispatch.ends), len(self._dispatch.running), len(self._jobs)
        self._count()
        pages = f", {self._done:,} of about {self._expected:,} pages" if self._expected else ""
        share = self._done / self._expected if self._expected else ends / of
        text = f"{ends:,} / {amount(of, 'job')} done, {running:,} running{pages}"
        return Step(text=text, share=min(share, 1.0) if ends < of else 1.0)

    def _count(self) -> None:
        now = self._clock.monotonic()
        if self._files is None or now - self._looked < LOOK_SECONDS:
            return
        known = [status for _, status in looked_at(self._jobs, self._files) if status is not None]
        self._looked = self._clock.monotonic()
        # Jobs that are not begun, or have not named their pages yet, are as large as the others until they have.
        told = [status.expected.pages for status in known if status.expected.pages]
        self._done = sum(status.totals.pages_done for status in known)
        self._expected = sum(told) * len(self._jobs) // len(told) if told else 0
