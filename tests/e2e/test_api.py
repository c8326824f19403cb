"""The library's face, as a program would use it."""

import asyncio
import contextlib
import io
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable import Endpoints, JobSpec, JobState, Query, Secret, UsageError
from resumable.cli.command_options import FleetOptions
from resumable.cli.job_spec import spec_of
from resumable.cli.options import BackfillOptions, RunOptions
from resumable.cli.parse import duration
from resumable.cli.run_command import asked_as
from resumable.cli.session import Session
from resumable.clock import SystemClock
from resumable.datasets.resolve import resolve
from resumable.engine.context import LiveRun
from resumable.fleet.dispatch import Tries
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.truth import assert_equal_to_truth


def settings_for(sim: Simulator, state: Path) -> resumable.Settings:
    """Return the settings that lead to a simulator."""
    return resumable.Settings(
        endpoints=Endpoints(api=sim.url, login=sim.url),
        client_id=sim.settings.client_id,
        client_secret=Secret(sim.settings.client_secret),
        state=state,
        rate_per_minute=100_000,
    )


def test_a_job_is_made_run_and_read(tmp_path: Path) -> None:
    """A job made in Python brings every record, lazily and as an Arrow dataset, and tells how it stands."""
    with Simulator(SimSettings(records=30, rate_public=None)) as sim:
        spec = JobSpec.of("conversations", "2023-10-01", "2023-10-04", page_size=20)
        job = resumable.make(spec, settings_for(sim, tmp_path))
        assert job.status().state is JobState.PLANNED
        status = job.run()
        assert status.state is JobState.COMPLETE
        assert status.totals.records == 90
        assert_equal_to_truth(job, sim, dataset="conversations")
        assert job.dataset().count_rows() == 90
        assert resumable.find(job.name, job.settings).status() == status


def test_another_query_under_the_same_name_is_refused_with_the_difference(tmp_path: Path) -> None:
    """A job's name stands for one query: another one is a usage error that names what differs."""
    with Simulator(SimSettings(records=3)) as sim:
        settings = settings_for(sim, tmp_path)
        resumable.make(JobSpec.of("conversations", "2023-10-01", "2023-10-04", page_size=20), settings, name="mine")
        other = JobSpec.of("conversations", "2023-10-01", "2023-10-04", query=Query(queues=("q",)), page_size=20)
        with pytest.raises(UsageError, match=r'query was \{\} and is now \{"queues":\["q"\]\}'):
            resumable.make(other, settings, name="mine")


def test_fetch_all_returns_every_record_of_a_queue_and_asks_nothing_the_second_time(tmp_path: Path) -> None:
    """One call does what a fetcher class does, on top of a checkpointed job."""
    with Simulator(SimSettings(records=50, rate_article=None)) as sim:
        settings = settings_for(sim, tmp_path)
        everything = resumable.fetch_all("2023-10-01", "2023-10-03", page_size=40, settings=settings)
        assert len(everything) == 100
        queue = next(
            segment["queueId"]
            for record in everything
            for participant in record["participants"]
            for session in participant.get("sessions") or []
            for segment in session.get("segments") or []
            if segment.get("queueId")
        )
        some = resumable.fetch_all("2023-10-01", "2023-10-03", queue, page_size=40, settings=settings)
        assert 0 < len(some) < 100
        sent = len(sim.log)
        assert resumable.fetch_all("2023-10-01", "2023-10-03", queue, page_size=40, settings=settings) == some
        assert len(sim.log) == sent


def test_every_name_is_there_and_every_error_is_one_of_ours(tmp_path: Path) -> None:
    """`__all__` names what can be imported, and a wrong range is a usage error with a hint and an exit code."""
    for name in resumable.__all__:
        assert getattr(resumable, name) is not None, name
    assert dir(resumable) == sorted(resumable.__all__)
    for start, end in (("2023-10-02", "2023-10-01"), ("yesterday", "today")):
        with pytest.raises(UsageError, match="is not a range") as refused:
            JobSpec.of("conversations", start, end, page_size=20)
        assert refused.value.hint
        assert refused.value.exit_code == 2


DAY = ("conversations", "2023-10-01", "2023-10-02")

MISUSED: dict[str, Callable[[resumable.Settings], object]] = {
    "a dataset": lambda s: resumable.make(JobSpec.of("nope", *DAY[1:]), s),
    "a time": lambda _: JobSpec.of("conversations", "x", "2023-10-01"),
    "a naive time": lambda _: resumable.Interval(start=datetime(2023, 1, 1), end=datetime(2023, 1, 2)),  # noqa: DTZ001 - the mistake
    "a name": lambda s: resumable.make(JobSpec.of(*DAY), s, name="../x"),
    "no such job": lambda s: resumable.find("nope", s),
    "a page size": lambda s: resumable.make(JobSpec.of(*DAY, page_size=-1), s),
    "a window": lambda s: resumable.make(JobSpec.of(*DAY, window=timedelta(0)), s),
    "a zone": lambda s: resumable.make(JobSpec.of(*DAY, query=Query(zone="Mars")), s),
    "a filter": lambda s: resumable.make(JobSpec.of(*DAY, query=Query(filter="nonsense")), s),
    "a filter of another dataset": lambda s: resumable.make(JobSpec.of(*DAY, query=Query(filter='{"and":[]}')), s),
    "a queue of users": lambda s: resumable.make(JobSpec.of("users", *DAY[1:], query=Query(queues=("q",))), s),
    "a region": lambda _: resumable.from_environment({"GENESYS_REGION": "mars"}),
    "no region": lambda s: resumable.plan(JobSpec.of(*DAY), s),
    "no credentials": lambda s: resumable.make(JobSpec.of(*DAY), s).run(),
    "what is not whole": lambda s: resumable.make(JobSpec.of(*DAY), s).export("x.csv"),
    "a format": lambda s: resumable.make(JobSpec.of(*DAY), s).export("x.xls", partial=True),
    "a table": lambda s: resumable.make(JobSpec.of(*DAY), s).export("x.csv", table="nope", partial=True),
    "a fleet": lambda _: resumable.run_fleet("missing.toml"),
}


@pytest.mark.parametrize("mistake", MISUSED.values(), ids=MISUSED)
def test_a_mistake_in_a_program_is_an_error_of_ours(
    mistake: Callable[[resumable.Settings], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a message, a hint and an exit code, and the words of no library."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(resumable.ResumableError) as refused:
        mistake(resumable.Settings(state=tmp_path / "state"))
    error = refused.value
    assert error.message
    assert error.hint
    assert error.exit_code in (2, 3, 4)
    assert not re.search(r"isoformat|No time zone found|Errno|CHECK|Traceback", f"{error.message} {error.hint}")


def test_what_is_not_given_is_as_on_the_command_line(tmp_path: Path) -> None:
    """Settings, page size and window of a call without options are those of a command without options."""
    environment = {"GENESYS_REGION": "eu-central-1", "RESUMABLE_STATE": str(tmp_path)}
    settings = resumable.from_environment(environment)
    assert asked_as(settings, RunOptions()) == settings
    typed = BackfillOptions(dataset="conversations", start="2023-10-01", end="2023-10-02")
    session = Session(stdout=io.StringIO(), stderr=io.StringIO(), environment=environment, clock=SystemClock())
    of_command, _ = resolve(spec_of(typed, session, settings))
    assert of_command == resolve(JobSpec.of("conversations", "2023-10-01", "2023-10-02"))[0]
    assert settings.open_for == duration(typed.open_for, "--open-for")
    assert FleetOptions(action="run", fleet="x").tries == Tries.most


def test_a_fleet_has_a_face(tmp_path: Path) -> None:
    """A fleet is run and looked at by calls: how each job ended, or stands."""
    with Simulator(SimSettings(records=5, rate_public=None)) as sim:
        fleet = tmp_path / "fleet.toml"
        fleet.write_text(
            f'[client.a]\nclient_id_env = "ID"\nclient_secret_env = "SECRET"\napi_url = "{sim.url}"\n'
            f'login_url = "{sim.url}"\n\n[[job]]\nclient = "a"\ndataset = "queues"\nname = "lists"\n'
        )
        environment = {**os.environ, "ID": sim.settings.client_id, "SECRET": sim.settings.client_secret}
        how: dict[str, Any] = {"state": tmp_path / "state", "environment": environment}
        assert [outcome.state for outcome in resumable.fleet_status(fleet, **how)] == ["not begun"]
        (ended,) = resumable.run_fleet(fleet, **how)
        assert (ended.exit_code, ended.state, ended.records) == (0, "complete", 12)
        assert [outcome.state for outcome in resumable.fleet_status(fleet, **how)] == ["complete"]


def test_an_event_loop_goes_on_while_a_job_runs(tmp_path: Path) -> None:
    """`run_async` is awaited; cancelled, it ends in good order, and the next one brings the rest."""

    async def both(job: resumable.Job, sim: Simulator) -> int:
        running = asyncio.create_task(job.run_async())
        ticks = 0
        while not sim.log.pages():
            await asyncio.sleep(0.01)
            ticks += 1
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert job.status().state is JobState.INTERRUPTED
        assert job.status().totals.pages_done == sum(sim.log.pages().values())
        return ticks

    with Simulator(SimSettings(records=60, rate_public=None, latency=0.2)) as sim:
        spec = JobSpec.of("conversations", "2023-10-01", "2023-10-15", page_size=20)
        job = resumable.make(spec, settings_for(sim, tmp_path))
        assert asyncio.run(both(job, sim)) > 5
        sim.switch(latency=0.0)
        assert asyncio.run(job.run_async()).state is JobState.COMPLETE
        assert max(sim.log.pages().values()) == 1


def test_an_interrupted_kernel_leaves_no_thread_at_work(tmp_path: Path) -> None:
    """A program that watches no signals, such as a notebook, is told what is safe, once what is in flight has come."""
    with Simulator(SimSettings(records=60, rate_public=None, latency=0.2)) as sim:
        spec = JobSpec.of("conversations", "2023-10-01", "2023-10-15", page_size=20)
        job = resumable.make(spec, settings_for(sim, tmp_path))

        @contextlib.contextmanager
        def interrupting(_: LiveRun) -> Iterator[None]:
            timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            yield
            timer.join()

        ended: BaseException | None = None
        try:
            job.run(watch=interrupting)
        except BaseException as error:  # noqa: BLE001 - one that passes this test by would end all of them
            ended = error
        assert isinstance(ended, resumable.Interrupted), ended
        assert "are safe" in ended.message
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("worker-")]
        assert job.status().totals.pages_done > 0
        sim.switch(latency=0.0)
        assert job.run().state is JobState.COMPLETE
        assert max(sim.log.pages().values()) == 1


def test_what_the_commands_do_has_a_face(tmp_path: Path) -> None:
    """A plan, a check, an export and a report are calls, with what the commands say as their values."""
    with Simulator(SimSettings(records=30, rate_public=None)) as sim:
        settings = settings_for(sim, tmp_path / "state")
        spec = JobSpec.of("conversations", "2023-10-01", "2023-10-03", page_size=20)
        assert resumable.plan(spec, settings).pages == 4
        found = {checked.name: checked for checked in resumable.check(settings, datasets=["conversations"])}
        assert found["permissions"].verdict is resumable.CheckLevel.OK
        job = resumable.make(spec, settings)
        job.run()
        asked: list[tuple[int, int, str]] = []
        exported = job.export(tmp_path / "x.csv", watching=lambda *how: asked.append(how))
        assert (exported.rows, asked[-1]) == (60, (60, 60, "records written"))
        assert job.report(tmp_path / "x.html").path == tmp_path / "x.html"
