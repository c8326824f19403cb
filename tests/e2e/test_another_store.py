"""A job whose parts, receipt and aside/ lie in no folder: whatever the product does, it does by keys."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import resumable
from resumable import Flaw
from resumable.errors import Incomplete, ManifestUnusable, UsageError
from resumable.manifest.store import Manifest
from resumable.models import EventKind, JobSpec, PageKey
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage.durable import temporary_name
from resumable.storage.job_files import RECEIPT, part_key, window_key
from tests.support.builders import START, days, make_job, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.memory_store import MemoryStore

FIRST, SECOND = days(2)


@dataclass
class Memories:
    """Stores of jobs, each made when it is first asked for."""

    known: dict[str, MemoryStore] = field(default_factory=dict)

    def __call__(self, name: str) -> MemoryStore:
        """Return the store of a job."""
        return self.known.setdefault(name, MemoryStore(name))


@pytest.fixture
def sim() -> Simulator:
    """Two days of 59 conversations: no last page is full, so that none is asked for behind it."""
    return Simulator(SimSettings(records=59))


@pytest.fixture
def memories() -> Memories:
    """No job yet."""
    return Memories()


@pytest.fixture
def job(sim: Simulator, memories: Memories, tmp_path: Path) -> resumable.Job:
    """A job of two days of three pages, planned, whose folder is only for its manifest."""
    return make_job(sim, VirtualClock(), tmp_path / "state", store=memories)


@pytest.fixture
def store(memories: Memories) -> MemoryStore:
    """What its parts lie in."""
    return memories("job")


def key(number: int, *, day: int = 0) -> str:
    """Return where a page's part lies."""
    return part_key(PageKey(window=(FIRST, SECOND)[day], take=1, number=number))


ALL = [key(number, day=day) for day in range(2) for number in (1, 2, 3)]


def pages_asked(sim: Simulator) -> int:
    """Count the requests for pages."""
    return sim.log.count(Kind.CONVERSATIONS)


def exported(job: resumable.Job, *, names: bool = False) -> bytes:
    """Export it as lines."""
    found: list[bytes] = []
    job.export(found.append, format="jsonl", names=names)
    return b"".join(found)


def test_a_backfill_needs_no_folder_but_its_manifests(
    sim: Simulator, job: resumable.Job, store: MemoryStore, tmp_path: Path
) -> None:
    """Complete, verified, read and exported to every byte as from a folder; on the disk are manifest and lock."""
    status = job.run()
    assert sorted(store.objects) == [*ALL, RECEIPT]
    assert {path.name.partition("-")[0] for path in job.folder.iterdir()} == {"manifest.sqlite", "lock"}
    assert status.receipt == json.loads(store.objects[RECEIPT])
    assert list(job.verify()) == []
    plain = make_job(sim, VirtualClock(), tmp_path / "plain")
    plain.run()
    assert list(job.records()) == list(plain.records())
    assert exported(job) == exported(plain)
    assert job.export(tmp_path / "out").records == plain.export(tmp_path / "plain-out").records == 118
    for made, wanted in zip(sorted(_files(tmp_path / "out")), sorted(_files(tmp_path / "plain-out")), strict=True):
        assert made.read_bytes() == wanted.read_bytes()
    asked = pages_asked(sim)
    job.run()
    assert pages_asked(sim) == asked


def _files(folder: Path) -> Iterator[Path]:
    return folder.rglob("*.parquet")


def test_parts_without_paths_say_so(job: resumable.Job) -> None:
    """Who asks for paths is told where the parts are instead."""
    job.run()
    with pytest.raises(UsageError, match="memory://job/") as caught:
        next(job.files())
    assert "Job.records()" in caught.value.hint


def test_a_run_that_ends_early_is_carried_on(sim: Simulator, memories: Memories, tmp_path: Path) -> None:
    """The next one asks for the rest, and for nothing twice."""
    job = make_job(sim, VirtualClock(), tmp_path, store=memories, max_requests=4, workers=1)
    with pytest.raises(Incomplete):
        job.run()
    begun = len(memories("job").objects)
    assert 0 < begun < 6
    make_job(sim, VirtualClock(), tmp_path, store=memories).run()
    assert pages_asked(sim) == 6


def test_an_orphan_is_adopted(
    sim: Simulator, job: resumable.Job, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between a part and its row: the part proves itself, and what does not is removed."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "page_done", killed)
        with pytest.raises(KeyboardInterrupt):
            job.run()
    orphans = len(store.objects) - job.status().totals.pages_done
    assert orphans > 0
    store.objects[f"{window_key(FIRST)}/{temporary_name('page-00003.parquet')}"] = b"torn"
    store.objects[key(9)] = next(data for name, data in store.objects.items() if name.endswith(".parquet"))
    job.run()
    kinds = [event.kind for event in job.status(events=100).events]
    assert (kinds.count(EventKind.ADOPTED), kinds.count(EventKind.REMOVED)) == (orphans, 2)
    assert sorted(store.objects) == [*ALL, RECEIPT]


def test_what_is_wrong_is_named_and_mended(sim: Simulator, job: resumable.Job, store: MemoryStore) -> None:
    """Only what was damaged is asked for again; what lay there is kept aside, and nothing is written to the disk."""
    job.run()
    good, asked = dict(store.objects), pages_asked(sim)
    damaged = bytearray(good[key(2)])
    damaged[1000] ^= 1
    store.objects[key(2)] = bytes(damaged)
    del store.objects[key(1, day=1)], store.objects[RECEIPT]
    store.objects[f"{window_key(FIRST)}/notes.txt"] = b"mine"
    store.objects["parts/window=strange/page-00001.parquet"] = b"mine"
    store.objects[f"parts/{temporary_name('x')}"] = b"torn"
    store.objects[temporary_name(RECEIPT)] = b"torn"
    found = {(finding.flaw, finding.place) for finding in job.verify()}
    assert found == {
        (Flaw.CONTENT, f"memory://job/{key(2)}"),
        (Flaw.MISSING, f"memory://job/{key(1, day=1)}"),
        (Flaw.RECEIPT, f"memory://job/{RECEIPT}"),
        (Flaw.ORPHAN, f"memory://job/{window_key(FIRST)}/notes.txt"),
        (Flaw.ORPHAN, "memory://job/parts/window=strange/page-00001.parquet"),
        (Flaw.LEFTOVER, f"memory://job/parts/{temporary_name('x')}"),
        (Flaw.LEFTOVER, f"memory://job/{temporary_name(RECEIPT)}"),
    }
    _, done = job.repair()
    assert pages_asked(sim) == asked + 2
    assert list(job.verify()) == []
    aside = {name: data for name, data in store.objects.items() if name.startswith("aside/")}
    assert sorted(done.aside) == [f"memory://job/{name}" for name in sorted(aside)]
    assert sorted(aside.values()) == sorted([bytes(damaged), b"mine", b"mine"])
    assert sorted(set(store.objects) - set(aside)) == sorted(good)
    assert not (job.folder / "aside").exists()


def test_a_lost_manifest_is_made_again_from_the_parts(sim: Simulator, job: resumable.Job) -> None:
    """The job is listed, known to be lost, is rebuilt without a request, and holds what it held."""
    job.run()
    records, asked = exported(job), pages_asked(sim)
    job.home.manifest.unlink()
    with pytest.raises(ManifestUnusable, match="it was lost"):
        job.status()
    assert [home.name for home in job.settings.files.jobs()] == ["job"]
    _, done = job.repair()
    assert (done.restored, pages_asked(sim)) == (6, asked)
    assert list(job.verify()) == []
    assert exported(job) == records


def test_names_come_from_lists_in_other_stores(sim: Simulator, memories: Memories, tmp_path: Path) -> None:
    """An export finds the jobs beside its own, each in the store that is made for it."""
    clock = VirtualClock()
    settings = virtual_settings(sim, clock, tmp_path, store=memories)
    for name in ("conversations", "queues"):
        spec = JobSpec.of(name, START, FIRST.end, page_size=20)
        resumable.make(spec, settings, name=name, clock=clock).run()
    job = resumable.find("conversations", settings, clock=clock)
    assert b'"queueName"' in exported(job, names=True)
    assert set(memories.known) == {"conversations", "queues"}
