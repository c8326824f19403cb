"""Takes each window of a dataset with two contracts by the one that suits it: through jobs on the server, or by pages.

Jobs bring what the source has whole for them; the query what is younger, and what the server's jobs fail to bring. A
take is read by one contract from its beginning to its end. What a job has brought is never replaced by the query's:
that lacks a part of each record.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from resumable.datasets.contract import MixedContract
from resumable.engine.closing import STILL_CHANGING
from resumable.engine.feed import Work
from resumable.engine.pages import PageWorker
from resumable.engine.recorder import Recorder
from resumable.engine.server_jobs import ServerJobWorker
from resumable.errors import Fault
from resumable.manifest.rows import WindowRow
from resumable.models import EventKind, Interval, Window, WindowContract, WindowState, label

_NAMES: Final = {WindowContract.JOBS: "a job on the server", WindowContract.QUERY: "the query"}


class MixedWorker:
    """Decides by which contract a window is taken, and hands it on. One object serves all threads."""

    def __init__(
        self, contract: MixedContract, recorder: Recorder, refused: Callable[[Fault], None], jobs: int
    ) -> None:
        """`refused` is told why the server refused a window's first request; `jobs` may be on the server at once."""
        context = recorder.context
        self._recorder = recorder
        self._context = context
        self._without_jobs: set[int] = set()
        """Windows, by id, that jobs were found not to bring in this run."""
        of_jobs = replace(context, contract=contract.bulk, window_contract=WindowContract.JOBS)
        of_query = replace(context, contract=contract.recent, window_contract=WindowContract.QUERY)
        self._jobs = ServerJobWorker(
            contract.bulk, replace(recorder, context=of_jobs), refused, jobs, elsewhere=self._instead
        )
        self._pages = PageWorker(contract.recent, replace(recorder, context=of_query), refused)

    def begin(self) -> None:
        """Ask up to when jobs have their data, and delete what earlier runs left on the server."""
        self._jobs.begin()
        self._pages.begin()

    def do(self, work: Work) -> None:
        """Do one piece of work. Raises what ends a run."""
        if work.number is not None:
            self._pages.do(work)
            return
        row = self._context.manifest.window(work.window.id)
        wanted = self._wanted(row)
        if wanted is WindowContract.JOBS and (ends := self._missing(row)) is not None:
            self._recorder.wait_for_data(row.window, ends)
            return
        row = self._decided(row, wanted)
        (self._jobs if wanted is WindowContract.JOBS else self._pages).do(replace(work, window=row.window))

    def _wanted(self, row: WindowRow) -> WindowContract:
        """Return by which contract a window is to be taken now; one that is begun goes on as it was."""
        begun = row.window.state is WindowState.OPEN or self._context.manifest.remote(row.window) is not None
        if begun and row.contract is not None:
            return row.contract
        if self._only_jobs(row):
            return WindowContract.JOBS
        jobs = row.window.id not in self._without_jobs and self._whole(row.window.interval)
        return WindowContract.JOBS if jobs else WindowContract.QUERY

    def _decided(self, row: WindowRow, wanted: WindowContract) -> WindowRow:
        manifest = self._context.manifest
        if row.contract is None:
            manifest.learned.contract(row.window, wanted)
        elif row.contract is not wanted:
            why = "the data lake has it whole" if wanted is WindowContract.JOBS else "the data lake lacks some of it"
            return self._begun_again(row.window, wanted, why)
        return row

    def _begun_again(self, window: Window, contract: WindowContract, why: str) -> WindowRow:
        """Let a window be taken by another contract, as a new take."""
        manifest = self._context.manifest
        manifest.learned.another_contract(window, contract)
        text = f"{label(window.interval)}: take {window.take + 1}, by {_NAMES[contract]}, because {why}"
        manifest.event(EventKind.RETAKE, text)
        return manifest.window(window.id)

    def _whole(self, interval: Interval) -> bool:
        """Tell whether the source has a window whole for jobs."""
        ends = self._jobs.available_to
        # Where nobody says it: data is there after hours to a day, and the results say it once more.
        return interval.end <= (ends or self._context.stop.clock.now() - STILL_CHANGING)

    def _only_jobs(self, row: WindowRow) -> bool:
        """Tell whether a window holds records of jobs, which the query would bring without their attributes."""
        return row.whole_contract is WindowContract.JOBS and self._context.manifest.held_records(row.window)

    def _missing(self, row: WindowRow) -> datetime | None:
        """Return where the source's data for jobs ends, for a window that is to wait until it has that whole."""
        ends = self._jobs.available_to
        planned = row.window.state is WindowState.PLANNED and self._context.manifest.remote(row.window) is None
        return ends if planned and ends is not None and ends < row.window.interval.end else None

    def _instead(self, window: Window, why: str) -> bool:
        """Let the query take over a window that jobs do not bring, and tell whether it does."""
        manifest = self._context.manifest
        if self._only_jobs(manifest.window(window.id)):
            return False
        self._without_jobs.add(window.id)
        row = self._begun_again(window, WindowContract.QUERY, why)
        self._context.feed.reopen(row.window)
        return True
