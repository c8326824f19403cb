"""Who may read what a job holds: its owner alone, or its group where that is set; exports follow the umask."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import resumable
from resumable.config import from_environment
from resumable.manifest.store import Manifest
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.storage import durable
from tests.support.builders import make_job
from tests.support.clock import VirtualClock


@pytest.fixture(params=[0o022, 0o000, 0o077, 0o027])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Set a umask for a test."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def sim() -> Simulator:
    """A few records."""
    return Simulator(SimSettings(records=30, style=Style.SMALL, rate_public=None))


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of a job's folder and of all that is in it."""
    return {
        str(path.relative_to(folder.parent)): stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]
    }


def odd(folder: Path, *, folders: int, files: int) -> dict[str, str]:
    """Return what has other permissions than it should."""
    return {
        name: oct(mode)
        for name, mode in modes(folder).items()
        if mode != (folders if (folder.parent / name).is_dir() else files)
    }


@pytest.mark.parametrize("group", [False, True])
def test_a_jobs_files_are_its_owners_whatever_the_umask(
    sim: Simulator, tmp_path: Path, umask: int, group: bool
) -> None:
    """Folders 0700 and files 0600, in a run, after a repair and with a report; with the setting 0750 and 0640."""
    pytest.importorskip("vl_convert")
    from resumable.report import document

    clock = VirtualClock()
    folders, files = (0o750, 0o640) if group else (0o700, 0o600)
    job = make_job(sim, clock, tmp_path / "new" / "state", group_readable=group)
    manifest = Manifest.open(job.home.manifest, clock)
    assert manifest is not None
    with closing(manifest):
        manifest.event(resumable.models.EventKind.WARNING, "so that a log lies beside it")
        assert any(name.endswith("-wal") for name in modes(job.folder))
        assert odd(job.folder, folders=folders, files=files) == {}
    job.run()
    next(job.files()).write_bytes(b"damaged")
    job.repair()
    document.write(job.home, None, now=clock.now())
    assert any("aside" in name for name in modes(job.folder))
    assert odd(job.folder, folders=folders, files=files) == {}
    (job.folder / "manifest.sqlite").unlink()
    job.repair()
    assert odd(job.folder, folders=folders, files=files) == {}


@pytest.mark.parametrize("name", ["out.csv", "out"])
def test_exports_and_reports_follow_the_umask(sim: Simulator, tmp_path: Path, umask: int, name: str) -> None:
    """What is made for others is as readable as whoever makes it wants his files to be."""
    pytest.importorskip("vl_convert")
    from resumable.report import document

    clock = VirtualClock()
    job = make_job(sim, clock, tmp_path / "state")
    job.run()
    job.export(tmp_path / name)
    document.write(job.home, tmp_path / "r.html", now=clock.now())
    made = [tmp_path / name, *(tmp_path / name).rglob("*"), tmp_path / "r.html", tmp_path / f".{name}.export.json"]
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == (0o777 if path.is_dir() else 0o666) & ~umask, path


def test_a_folder_that_was_opened_by_hand_stays_as_it_is(sim: Simulator, tmp_path: Path) -> None:
    """What is made in it later follows it: `chmod` on the job's folder is enough."""
    clock = VirtualClock()
    job = make_job(sim, clock, tmp_path)
    job.folder.chmod(0o755)
    job.run()
    parts = {name: mode for name, mode in modes(job.folder).items() if "parts" in name}
    assert set(parts.values()) == {0o755, 0o644}


@pytest.mark.parametrize(("text", "group"), [(None, False), ("", False), ("0", False), ("1", True)])
def test_the_setting_comes_from_the_environment(text: str | None, group: bool) -> None:
    """RESUMABLE_GROUP_READABLE=1; anything else than 0 and 1 is a usage error."""
    environment = {} if text is None else {"RESUMABLE_GROUP_READABLE": text}
    assert from_environment(environment).group_readable is group
    with pytest.raises(resumable.UsageError, match="RESUMABLE_GROUP_READABLE"):
        from_environment({"RESUMABLE_GROUP_READABLE": "yes"})


def test_a_disk_without_permissions_is_good_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some refuse to change them: what is written is written."""

    def refused(descriptor: int, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refused)
    tmp_path.chmod(0o755)
    before = os.umask(0o077)
    try:
        durable.save(tmp_path / "x", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "x").read_bytes() == b"x"
