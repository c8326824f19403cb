"""An export that is killed: what was at the path is whole, or what comes is, and the same command ends it."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import resumable
from tests.export.jobs import Make, Page, content, record, taken_again, three_days

KILLED_AT = ("created", "link", "joined", "exchange", "move", "remove_folder")
"""Where a process is killed while it exports: functions of `durable` and beside it, in the order in which they come."""


KILLER = """
import contextlib, io, json, os, signal, sys
import resumable.storage.durable as durable, resumable.export.receipt as receipt
import resumable.cli.commands.export, resumable.export.export, resumable.export.parquet, resumable.export.text
import resumable.job.job
import pyarrow.compute
from resumable.cli.main import run

with contextlib.redirect_stdout(io.StringIO()):
    run(["--version"])  # makes the commands
pyarrow.compute.add(1, 1)  # looks for pandas, and where there is one takes longer to load it than an export takes

def export(where, nth, before, arguments):
    home = receipt if where == "joined" else os if where == "link" else durable
    real, seen = getattr(home, where), [0]
    def fatal(*given, **more):
        seen[0] += 1
        if seen[0] == nth and before:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*given, **more)
        if seen[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(home, where, fatal)
    return run(arguments)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os._exit(export(*json.loads(line)))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Loads the product once, and makes a process of its own for each line: where to die, and what to export until then."""


class Killer:
    """Exports in processes that kill themselves with SIGKILL at some call."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Use a process that has the product loaded."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._to, self._from = process.stdin, process.stdout

    def killed(self, job: resumable.Job, path: Path, where: str, nth: int, when: str) -> bool:
        """Export until some call; tell whether it came to that."""
        arguments = ["export", job.name, "--state", str(job.folder.parent), "--to", str(path)]
        self._to.write(json.dumps([where, nth, when == "before", arguments]) + "\n")
        self._to.flush()
        code = int(self._from.readline())
        assert code in (0, -signal.SIGKILL), f"exit {code}"
        return code == -signal.SIGKILL


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    """Return what exports and kills."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLER],
        cwd=Path(resumable.__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Killer(process)


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_a_killed_export_leaves_the_old_one_whole_or_the_new_one(
    killer: Killer, make: Make, tmp_path: Path, name: str
) -> None:
    """Killed with SIGKILL before and after every step: nothing is mixed or torn, and the same command then ends it."""
    job = three_days(make)
    job.export(tmp_path / name)
    old = content(tmp_path / name)
    shutil.copytree(tmp_path, first_of(tmp_path))
    taken_again(job, 1, [Page(records=[record("new", 1), record("0-0", 0, 0, externalTag="new")], taken=3)])
    job.export(tmp_path / f"fresh-{name}")
    new = content(tmp_path / f"fresh-{name}")
    assert old != new
    times, became = 0, set()
    for where in KILLED_AT:
        for nth, when in [(1, "before"), (1, "after"), (2, "after")]:
            times += killer.killed(job, tmp_path / name, where, nth, when)
            now = content(tmp_path / name)
            assert now in (old, new), (where, nth, when)
            became.add(now == new)
            done = job.export(tmp_path / name)
            assert content(tmp_path / name) == new, (where, nth, when)
            assert done.rows == 5
            left = {path.name for path in tmp_path.iterdir() if name in path.name and "fresh" not in path.name}
            assert left == {f".{name}.export.json", name}
            put_back(tmp_path, name)
    assert times >= 8
    assert became == {True, False}


def first_of(folder: Path) -> Path:
    """Return where the first export of a test is kept."""
    return folder.with_name(f"{folder.name}-first")


def put_back(folder: Path, name: str) -> None:
    """Let the first export be there again, with its receipt, as if it had not been touched."""
    first = first_of(folder)
    for each in (name, f".{name}.export.json"):
        path = folder / each
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(first / each, path) if (first / each).is_dir() else shutil.copy2(first / each, path)
