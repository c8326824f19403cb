"""What is released says one version, everywhere, and what it needs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from resumable.version import __version__

ROOT = Path(__file__).parent.parent
CHANGES = (ROOT / "resumable" / "CHANGELOG.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_has_one_place(tmp_path: Path) -> None:
    """The metadata takes it from the package, the command prints it, and nothing asks what happens to be installed."""
    assert PROJECT["dynamic"] == ["version"]
    command = [sys.executable, "-m", "resumable", "--version"]
    printed = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=True
    )
    assert printed.stdout == f"resumable {__version__}\n"
    asked = [path for path in (ROOT / "resumable").rglob("*.py") if "importlib.metadata" in path.read_text("utf-8")]
    assert asked == []


def test_the_newest_change_is_of_this_version() -> None:
    """The CHANGELOG begins with the version that the package has, and tells of each version once."""
    versions = re.findall(r"^## (\S+)", CHANGES, re.MULTILINE)
    assert versions[0] == __version__
    assert len(versions) == len(set(versions))


def test_each_bound_can_be_installed_as_it_is() -> None:
    """.ci/lowest turns every `>=` into `==`: each direct dependency names its lowest version and nothing else."""
    extras = PROJECT["optional-dependencies"]
    for bound in [*PROJECT["dependencies"], *extras["export"], *extras["deltalake"], *extras["report"]]:
        assert re.fullmatch(r"[a-z0-9-]+>=[0-9.]+", bound), bound


def test_what_ci_runs_against_the_wheel_exists() -> None:
    """The tests that touch every dependency are named by paths that are there."""
    named = re.findall(r"\btests/[\w/.]+", (ROOT / ".ci" / "common").read_text(encoding="utf-8"))
    assert len(named) > 5
    assert [path for path in named if path != "tests/conftest.py" and not (ROOT / path).exists()] == []
