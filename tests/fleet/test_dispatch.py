"""Dispatching: one job of an allowance at a time, what is lost or incomplete is run again, all within bounds."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from resumable.api.profiles import applied
from resumable.clock import Stop
from resumable.errors import ExitCode
from resumable.fleet.dispatch import FARTHEST_SECONDS, LOSSES_MOST, Dispatch, Tries
from resumable.fleet.fleet import FleetClient, FleetJob
from resumable.fleet.outcome import after_run, worst
from resumable.fleet.planned import FleetPlan
from resumable.fleet.process import JobEnd, JobRun
from resumable.models import iso
from tests.support.clock import VirtualClock

OK, LOST = JobEnd(code=0, answer={"state": "complete"}), JobEnd.lost_by("it was killed.")
AT = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(kw_only=True)
class Script:
    """An engine on which each job takes a minute and ends as it was written; complete where nothing more is."""

    clock: VirtualClock
    ends: dict[str, list[JobEnd]] = field(default_factory=dict)
    on_start: Callable[[str], None] = lambda _job: None
    runs: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    busy: set[str] = field(default_factory=set)
    most: int = 0

    def run(self, work: JobRun) -> JobEnd:
        """Take a minute."""
        assert work.client not in self.busy, "two jobs of one client at once"
        self.busy.add(work.client)
        self.most = max(self.most, len(self.busy))
        self.runs[work.job].append(self.clock.monotonic() - 1000.0)
        self.on_start(work.job)
        self.clock.sleep(60)
        self.busy.discard(work.client)
        ends = self.ends.get(work.job)
        return ends.pop(0) if ends else OK

    def stop(self) -> None:
        """Let what runs end by itself."""

    def close(self) -> None:
        """Hold nothing."""


def job(name: str) -> FleetJob:
    """Return a job; the client is its first letter."""
    return FleetJob(client=FleetClient(name=name[0], profile={}), name=name, dataset="users", arguments=())


def dispatched(
    engine: Script, names: Sequence[str], *, stop: Stop | None = None, most: int = 10, tries: Tries | None = None
) -> dict[str, JobEnd]:
    """Run these jobs and return how they ended."""
    jobs = [job(name) for name in names]
    pieces = [(one, JobRun(job=one.name, client=one.client.name, profile={}, arguments=())) for one in jobs]
    told: list[str] = []
    dispatch = Dispatch(engine=engine, stop=stop or Stop(engine.clock), tell=told.append, tries=tries or Tries())
    dispatch.run(pieces, {name[0]: name[0] for name in names}, most=most)
    assert not dispatch.running
    return dispatch.ends


def test_clients_go_side_by_side_and_the_jobs_of_one_after_each_other(seed: int) -> None:
    """Nine jobs of three clients, whose order is kept within a client, take as long as three."""
    engine = Script(clock=VirtualClock(seed))
    names = [f"{client}{number}" for number in range(3) for client in "abc"]
    assert set(dispatched(engine, names)) == set(names)
    assert engine.most == 3
    assert [engine.runs[f"a{number}"][0] for number in range(3)] == [0, 60, 120]


def test_no_more_jobs_at_once_than_were_asked_for(seed: int) -> None:
    """Two at a time of four clients."""
    engine = Script(clock=VirtualClock(seed))
    dispatched(engine, ["a1", "b1", "c1", "d1"], most=2)
    assert engine.most == 2


def test_incomplete_and_storage_are_run_again_with_growing_waits_and_others_are_not(seed: int) -> None:
    """3 and 5 until they are complete; 4 once; another job of the client goes on in the meantime."""
    again = [JobEnd(code=3), JobEnd(code=5), JobEnd(code=3), OK]
    engine = Script(clock=VirtualClock(seed), ends={"a1": again, "b1": [JobEnd(code=4)]})
    ends = dispatched(engine, ["a1", "a2", "b1"])
    assert {name: ended.code for name, ended in ends.items()} == {"a1": 0, "a2": 0, "b1": 4}
    # 30 s after the first end, but a2 has the client then; then 60 s and 120 s after the ends.
    assert engine.runs["a1"] == [0, 120, 240, 420]
    assert engine.runs["a2"] == [60]
    assert engine.runs["b1"] == [0]


def test_every_job_ends(seed: int) -> None:
    """After as many tries as were given, and after so many losses."""
    engine = Script(clock=VirtualClock(seed), ends={"a1": [JobEnd(code=3)] * 99, "b1": [LOST] * 99})
    ends = dispatched(engine, ["a1", "b1"], tries=Tries(most=3))
    assert (len(engine.runs["a1"]), ends["a1"].code) == (3, 3)
    assert (len(engine.runs["b1"]), ends["b1"].code) == (LOSSES_MOST + 1, 3)


def test_a_lost_job_is_run_again_and_waits_for_the_lock_of_the_one_that_was_lost(seed: int) -> None:
    """Locked is an end for a job that was not lost, and a reason to wait for one that was."""
    engine = Script(
        clock=VirtualClock(seed), ends={"a1": [LOST, JobEnd(code=7), JobEnd(code=7), OK], "b1": [JobEnd(code=7)]}
    )
    ends = dispatched(engine, ["a1", "b1"])
    assert (ends["a1"].code, len(engine.runs["a1"])) == (0, 4)
    assert (ends["b1"].code, len(engine.runs["b1"])) == (7, 1)


@pytest.mark.parametrize(("seconds", "runs"), [(600, 2), (FARTHEST_SECONDS + 600, 1)], ids=["soon", "too far"])
def test_a_source_that_asks_to_wait_is_waited_for_or_left_to_the_next_run(seconds: float, runs: int, seed: int) -> None:
    """Never asked earlier than it said; a wait of hours is not slept through."""
    engine = Script(clock=VirtualClock(seed, at=AT))
    later = iso(AT + timedelta(seconds=60 + seconds))
    engine.ends["a1"] = [JobEnd(code=3, answer={"error": {"not_before": later}}), OK]
    dispatched(engine, ["a1"])
    assert len(engine.runs["a1"]) == runs
    assert runs == 1 or engine.runs["a1"][1] >= 60 + seconds


def test_a_stop_begins_nothing_more_and_names_what_was_not_begun(seed: int) -> None:
    """What runs ends, what waits for its next try keeps its last end, what was not begun is told as that."""
    clock = VirtualClock(seed)
    stop = Stop(clock)
    engine = Script(clock=clock, ends={"b1": [JobEnd(code=3)]})
    clock.at(70, lambda: stop.request("SIGINT"))
    ends = dispatched(engine, ["a1", "a2", "a3", "b1"], stop=stop)
    assert {name: ended.code for name, ended in ends.items()} == {"a1": 0, "a2": 0, "b1": 3}
    told = after_run([job(name) for name in ("a1", "a3", "b1")], ends, ended_by=130)
    assert [(one.state, one.exit_code) for one in told] == [("complete", 0), ("not begun", 130), ("failed", 3)]


def test_the_worst_exit_code_is_the_one_that_needs_a_person_most() -> None:
    """Complete is best; what the next run finishes by itself is better than wrong credentials."""
    assert worst([]) == worst([0, 0]) == 0
    assert worst([0, 3, 0]) == 3
    assert worst([5, 3, 4, 0]) == 4
    assert worst([130, 3]) == 3
    assert worst([int(code) for code in ExitCode]) == 1
    assert worst([1, 99]) == 99


def test_a_plan_adds_up_and_takes_as_long_as_the_fullest_allowance() -> None:
    """Requests and bytes of all; the time of the client with the most to do; what does not tell is counted apart."""
    ends = {
        "a1": JobEnd(code=0, answer={"requests": 600, "seconds": 120.0, "disk_bytes": 10}),
        "a2": JobEnd(code=0, answer={"state": "incomplete", "left": {"requests": 300, "seconds": 60.0}}),
        "b1": JobEnd(code=0, answer={"requests": 700, "seconds": 140.0, "disk_bytes": 5}),
        "c1": JobEnd(code=4, answer={"error": {"message": "refused."}}),
    }
    plan = FleetPlan.of([job(name) for name in ends], ends, {name: name for name in "abc"})
    assert (plan.requests, plan.seconds, plan.disk_bytes, plan.unknown) == (1600, 180.0, 15, 1)
    assert [each["message"] for each in plan.to_json()["jobs"]] == ["", "", "", "refused."]


def test_the_key_of_hashes_reaches_the_jobs_of_every_client() -> None:
    """What a client's profile replaces is whom to ask; where the key of hashes is stays as the fleet has it."""
    given = {"RESUMABLE_HASH_KEY": "a key of a fleet", "RESUMABLE_HASH_KEY_FILE": "/run/key", "GENESYS_REGION": "x"}
    made = applied("acme", {"region": "eu-central-1"}, given)
    assert (made["RESUMABLE_HASH_KEY"], made["RESUMABLE_HASH_KEY_FILE"]) == ("a key of a fleet", "/run/key")
    assert made["GENESYS_REGION"] == "eu-central-1"
