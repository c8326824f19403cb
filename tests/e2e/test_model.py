"""A source that grows, shrinks, repeats, reorders, fails and kills: never a false complete, and it converges."""

import contextlib
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import resumable
from resumable import Endpoints, Incomplete, JobSpec, JobState, Secret, SourceUnsettled
from resumable.config import Policy
from resumable.manifest.reader import ManifestReader
from resumable.models import WindowState
from tests.e2e.model_server import Killed, ModelServer

DAYS = ("2023-10-01", "2023-10-02")
COUNTS = st.integers(min_value=0, max_value=9)
PLACES = st.dictionaries(
    st.integers(min_value=1, max_value=14), st.sampled_from(["fail", "flap", "reorder", "kill"]), max_size=4
)


class Backfill(RuleBasedStateMachine):
    """Runs of one job against a server that moves under it."""

    @initialize(first=COUNTS, second=COUNTS)
    def begin(self, first: int, second: int) -> None:
        """Make a server with two days of records and a job over both."""
        days = {day: [f"{day}-{n}" for n in range(count)] for day, count in zip(DAYS, (first, second), strict=True)}
        self.server = ModelServer(days)
        self.folder = tempfile.TemporaryDirectory()
        origin = "http://127.0.0.1:1"
        product = resumable.Settings(
            endpoints=Endpoints(api=origin, login=origin),
            client_id="id",
            client_secret=Secret("secret"),
            state=Path(self.folder.name),
            workers=1,  # one order of events for one example
            rate_per_minute=1_000_000,
            policy=Policy(attempts=2, first_wait_seconds=0.0001, longest_wait_seconds=0.001),
            transport=lambda _: self.server,
        )
        self.job = resumable.make(JobSpec.of("conversations", DAYS[0], "2023-10-03", page_size=2), product)

    @rule(
        places=PLACES,
        moves=st.sampled_from(["grow", "shrink"]),
        day=st.sampled_from(DAYS),
        at=st.sets(COUNTS, max_size=3),
    )
    def run(self, places: dict[int, str], moves: str, day: str, at: set[int]) -> None:
        """Run while one day grows or shrinks, and answers fail, flap, come in another order, or the run is killed."""
        self._run({place: (what, "") for place, what in places.items()} | dict.fromkeys(at, (moves, day)))

    @rule(day=st.sampled_from(DAYS), moves=st.sampled_from(["grow", "shrink"]))
    def change_between_runs(self, day: str, moves: str) -> None:
        """Let a day change while nothing runs."""
        self.server.change(moves, day)

    @rule()
    def settle(self) -> None:
        """Once nothing happens any more, two runs end complete, with what the server has wherever it was asked."""
        self._run({})
        self._run({})
        assert self.job.status().state is JobState.COMPLETE

    @invariant()
    def nothing_complete_is_false(self) -> None:
        """A complete window holds each record once, and only such as were ever there; a complete job has only those."""
        if not hasattr(self, "job"):
            return
        manifest = ManifestReader.open_to_read(self.job.folder / "manifest.sqlite")
        assert manifest is not None
        rows = list(manifest.windows())
        manifest.close()
        complete = {str(r.window.interval)[:10] for r in rows if r.window.state is WindowState.COMPLETE}
        ids = [record["conversationId"] for record in self.job.records()]
        for row in rows:
            day = str(row.window.interval)[:10]
            if day in complete:
                held = [name for name in ids if name.startswith(day)]
                assert len(held) == len(set(held)) == row.window.records
                assert set(held) <= self.server.ever[day]
                assert row.settled or row.window.snapshot is None or row.window.snapshot.total == len(held)
        if self.job.status().state is JobState.COMPLETE:
            assert len(complete) == len(DAYS)

    def _run(self, script: dict[int, tuple[str, str]]) -> None:
        self.server.script, self.server.asked = script, 0
        before = {day: set(ids) for day, ids in self.server.days.items()}
        done = self._complete()
        with contextlib.suppress(Incomplete, SourceUnsettled, Killed):
            self.job.run()
        stayed = {day: before[day] & set(self.server.days[day]) for day in DAYS}
        for day in self._complete().keys() - done:
            held = {r["conversationId"] for r in self.job.records() if r["conversationId"].startswith(day)}
            # A source that twice gives the same wrong page in the same place is believed, and never in silence.
            told = self._complete()[day]
            assert stayed[day] <= held or told, f"{day} is called complete without {stayed[day] - held}"

    def _complete(self) -> dict[str, bool]:
        """Return the days that are complete; True: two takes settled it, and records that came twice are counted."""
        manifest = ManifestReader.open_to_read(self.job.folder / "manifest.sqlite")
        assert manifest is not None
        rows = [row for row in manifest.windows() if row.window.state is WindowState.COMPLETE]
        manifest.close()
        return {str(row.window.interval)[:10]: row.settled and row.duplicates > 0 for row in rows}

    def teardown(self) -> None:
        """Remove the job."""
        if hasattr(self, "folder"):
            self.folder.cleanup()


FEW = settings(max_examples=10, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck))
Backfill.TestCase.settings = FEW
TestBackfill = Backfill.TestCase


@pytest.mark.long
def test_many_more_histories_end_well() -> None:
    """The same, ten times as often."""
    run_state_machine_as_test(Backfill, settings=settings(FEW, max_examples=100))
