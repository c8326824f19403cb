"""The scenes that the sweeps of system calls play: a job in some state, a command, a source whose truth is known.

A scene's `start` state is made once and copied for every point. Each is three pages of three records, by one worker.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator, Truth
from tests.support.older import made_by
from tests.torture.forkserver import Command, Ending, ForkServer
from tests.torture.judge import Ledger, assert_complete, assert_kept, assert_not_asked_again, copy_of_manifest, judged
from tests.torture.strace import CHANGES, WIRE, Call, Point, calls_of, options_to_record
from tests.torture.wholeness import Broken

DATASETS = ("conversations", "conversations-pagecount", "conversation-jobs")
JOB = "j"
PAGES = 3
REPAIR = ("repair", JOB, "--workers", "1", "--rate", "1000000")
SOURCE = SimSettings(records=8, rate_public=None, rate_article=None, job_polls=0, job_limit=None)
FEWER = SimSettings(records=5, rate_public=None, rate_article=None, job_polls=0, job_limit=None)
"""The same source some records earlier, so that a window begun with it has moved."""

RESULTS = {
    "conversations": Kind.CONVERSATIONS,
    "conversations-pagecount": Kind.ARTICLE,
    "conversation-jobs": Kind.JOB_RESULTS,
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is played: from a copy of `start`, `arguments` against `sim`."""

    server: ForkServer
    sim: Simulator
    truth: Truth
    dataset: str
    arguments: tuple[str, ...]
    place: Path
    """A folder for this scene; each point has one of its own within."""
    start: Path | None = None
    """A state folder to begin from; None: nothing is there yet."""
    takes_again: bool = False
    """The window is taken again, so that pages may be asked for again."""
    environment: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    """The jobs that are on the server at the start."""

    @contextlib.contextmanager
    def stage(self) -> Iterator["Stage"]:
        """Set the scene, for one point; it is cleared away afterwards unless something failed."""
        folder = self.place / "stage"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if self.start is not None:
            shutil.copytree(self.start, folder / "state", symlinks=True)
        on_server = jobs_on(self.sim)
        on_server.clear()
        on_server.update(self.jobs)
        yield Stage(scene=self, folder=folder)
        shutil.rmtree(folder)

    def trace(self, *, calls: tuple[str, ...] = (*CHANGES, *WIRE)) -> list[Call]:
        """Play it undisturbed, and return the calls of its main thread that touch the state or the wire."""
        with self.stage() as stage:
            ending = stage.play(strace=options_to_record(self.place / "trace", calls))
            assert ending.code == 0, ending.stderr
            stage.assert_whole(None)
        found = calls_of(self.place / "trace")
        leader = found[0].thread
        return [call for call in found if call.thread == leader and touches(call, stage.folder)]


def touches(call: Call, folder: Path) -> bool:
    """Tell whether a call is about the state folder or the wire; the rest is Python looking at its own files."""
    return str(folder / "state") in call.text or call.name in WIRE or "socket:[" in call.text


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One playing of a scene."""

    scene: Scene
    folder: Path

    @property
    def job(self) -> Path:
        """The job's folder."""
        return self.folder / "state" / JOB

    def play(
        self,
        arguments: tuple[str, ...] | None = None,
        *,
        strace: list[str] | None = None,
        limits: dict[str, tuple[int, int]] | None = None,
        inline: bool = True,
        user: int | None = None,
        deaf: bool = False,
        seconds: int = 60,
        server: ForkServer | None = None,
    ) -> Ending:
        """Run the scene's command, or another one."""
        return (server or self.scene.server).run(
            Command(
                arguments=arguments or self.scene.arguments,
                environment={
                    "PATH": "/usr/bin:/bin",
                    "GENESYS_CLIENT_ID": self.scene.sim.settings.client_id,
                    "GENESYS_CLIENT_SECRET": self.scene.sim.settings.client_secret,
                    "GENESYS_API_URL": self.scene.sim.url,
                    "GENESYS_LOGIN_URL": self.scene.sim.url,
                    "RESUMABLE_STATE": str(self.folder / "state"),
                    "RESUMABLE_MIN_FREE": "0",
                    **self.scene.environment,
                },
                folder=str(self.folder),
                strace=strace,
                limits=limits or {},
                inline=inline,
                user=user,
                deaf=deaf,
                seconds=seconds,
                suffix="" if server is None else "-of-the-other",
            )
        )

    def judged(self, context: str) -> Ledger | None:
        """Judge what is there now; None where there is no job yet."""
        return judged(self.job, context=context) if self.job.exists() else None

    def struck(self, point: Point, *more: str) -> Ending:
        """Play it with a fault at a point."""
        return self.play(strace=["-o", str(self.scene.place / "struck"), "-y", *point.options, *more])

    def finish(self, before: Ledger | None, *, arguments: tuple[str, ...] | None = None) -> None:
        """Run the command once more with nothing in its way, and check what it ends with."""
        asked = self.scene.sim.log.next_sequence()
        ending = self.play(arguments)
        if ending.code != 0:
            raise Broken(f"5: with nothing in its way it ended with {ending.code}: {ending.stderr}")
        self.assert_whole(before, since=asked)

    def assert_whole(self, before: Ledger | None, *, since: int = 0) -> None:
        """Check the end: equal to the truth, what was recorded is kept, and was not asked for again."""
        scene = self.scene
        after = assert_complete(self.job, scene.truth)
        left = known_jobs(self.job) & set(scene.sim.jobs_alive)
        if left:
            raise Broken(f"the jobs {left} are known and were left on the server")
        if before is None:
            return
        assert_kept(before, after)
        if scene.takes_again:
            return
        asked = [entry for entry in scene.sim.log.entries(RESULTS[scene.dataset]) if entry.sequence > since]
        assert_not_asked_again(before, asked)
        there = len(before.pages) + len(before.orphans)
        if since and len(asked) != PAGES - there:
            raise Broken(f"3: {there} of {PAGES} pages were there, and {len(asked)} were asked for")


def jobs_on(sim: Simulator) -> dict[str, Any]:
    """Return the jobs of a simulator, to keep them or to put them back: every point must find the same."""
    return sim._service.state.jobs._jobs


def known_jobs(folder: Path) -> set[str]:
    """Return the ids of all jobs on the server that a manifest has ever named."""
    with copy_of_manifest(folder) as database:
        assert database is not None
        told = database.execute("SELECT text FROM event WHERE text LIKE '%: submitted as %'").fetchall()
    return {text.rsplit(" ", 1)[1] for (text,) in told}


def backfill(dataset: str) -> tuple[str, ...]:
    """Return the command that all scenes are about."""
    day = ("--from", "2023-10-01", "--to", "2023-10-02")
    return ("backfill", dataset, *day, "--page-size", "3", "--job", JOB, "--workers", "1", "--rate", "1000000")


def truth_of(sim: Simulator, dataset: str) -> Truth:
    """Return what the scenes must end with."""
    query = {"startOfDayIntervalMatching": True} if dataset == "conversation-jobs" else None
    return sim.truth("2023-10-01T00:00:00Z/2023-10-02T00:00:00Z", dataset=dataset, query=query)


def new(server: ForkServer, sim: Simulator, dataset: str, place: Path) -> Scene:
    """A job is made, its pages taken, it is completed: one command from nothing to the receipt."""
    return Scene(
        server=server, sim=sim, truth=truth_of(sim, dataset), dataset=dataset, arguments=backfill(dataset), place=place
    )


def carried_on(server: ForkServer, sim: Simulator, dataset: str, place: Path) -> Scene:
    """A killed job is carried on: one page is recorded, one part has no row yet, one is torn."""
    scene = new(server, sim, dataset, place)
    calls = scene.trace()
    renamed = [n for n, call in enumerate(calls) if call.name == "renameat"][1]
    row = next(call for call in calls[renamed:] if call.name == "pwrite64")
    start = _left_by(scene, Point(call="pwrite64", number=row.number, what="KILL"))
    torn = next((start / JOB / "parts").glob("window=*")) / ".page-00003.parquet.tmp"
    torn.write_bytes(b"PAR1 and then the power went")
    return _from(scene, start, arguments=("resume", JOB, "--workers", "1", "--rate", "1000000"))


def of_the_first_version(server: ForkServer, sim: Simulator, dataset: str, place: Path) -> Scene:
    """A killed job is carried on whose manifest the first version wrote: the run brings it up to date on its way."""
    scene = carried_on(server, sim, dataset, place)
    assert scene.start is not None
    made_by(1, scene.start / JOB / "manifest.sqlite")
    return scene


def taken_again(server: ForkServer, sim: Simulator, dataset: str, place: Path) -> Scene:
    """A window is taken again: its source has moved, or its job on the server is gone, since its first page came."""
    with Simulator(FEWER) as earlier:
        earlier._service.state.jobs._made = 1_000_000  # no server gives an id twice
        scene = new(server, earlier, dataset, place)
        with scene.stage() as stage:
            trace = options_to_record(place / "trace", CHANGES)
            assert stage.play(strace=trace).code == 0
        parts = [call for call in calls_of(place / "trace") if call.name == "renameat"]
        start = _left_by(scene, Point(call="renameat", number=parts[1].number, what="KILL"))
    jobs_on(sim).clear()
    return _from(new(server, sim, dataset, place), start, takes_again=True)


def topped_up(server: ForkServer, sim: Simulator, dataset: str, place: Path) -> Scene:
    """A complete job is taken again because its source may have rewritten it since."""
    scene = new(server, sim, dataset, place)
    with scene.stage() as stage:
        assert stage.play().code == 0
        start = shutil.copytree(stage.folder / "state", place / "start")
    return _from(scene, start, arguments=(*scene.arguments, "--look-back", "3660d"), takes_again=True)


def complete(server: ForkServer, sim: Simulator, dataset: str, place: Path) -> Scene:
    """A complete job is verified."""
    scene, start = _completed(server, sim, dataset, place)
    return _from(scene, start, arguments=("verify", JOB))


def damaged(server: ForkServer, sim: Simulator, dataset: str, place: Path) -> Scene:
    """A complete job that has lost a part, and has another with a bit flipped, is repaired."""
    scene, start = _completed(server, sim, dataset, place)
    parts = sorted((start / JOB / "parts").glob("window=*/page-*"))
    parts[1].unlink()
    data = bytearray(parts[2].read_bytes())
    data[300] ^= 8
    parts[2].write_bytes(data)
    return _from(scene, start, arguments=REPAIR, takes_again=True)


def lost(server: ForkServer, sim: Simulator, dataset: str, place: Path) -> Scene:
    """A complete job whose manifest is half gone is repaired."""
    scene, start = _completed(server, sim, dataset, place)
    manifest = start / JOB / "manifest.sqlite"
    os.truncate(manifest, manifest.stat().st_size // 2)
    return _from(scene, start, arguments=REPAIR, takes_again=True)


def _completed(server: ForkServer, sim: Simulator, dataset: str, place: Path) -> tuple[Scene, Path]:
    scene = new(server, sim, dataset, place)
    with scene.stage() as stage:
        stage.finish(None)
        return scene, shutil.copytree(stage.folder / "state", place / "start")


def _left_by(scene: Scene, point: Point) -> Path:
    with scene.stage() as stage:
        ending = stage.struck(point)
        assert ending.code == -9, f"{point} ended with {ending.code}: {ending.stderr}"
        return shutil.copytree(stage.folder / "state", scene.place / "start")


def _from(scene: Scene, start: Path, *, arguments: tuple[str, ...] | None = None, takes_again: bool = False) -> Scene:
    return Scene(
        server=scene.server,
        sim=scene.sim,
        truth=scene.truth,
        dataset=scene.dataset,
        arguments=arguments or scene.arguments,
        place=scene.place,
        start=start,
        takes_again=takes_again,
        jobs=dict(jobs_on(scene.sim)),
    )


SCENES = {
    "new": new,
    "carried on": carried_on,
    "of the first version": of_the_first_version,
    "taken again": taken_again,
    "topped up": topped_up,
    "complete": complete,
    "damaged": damaged,
    "lost": lost,
}
