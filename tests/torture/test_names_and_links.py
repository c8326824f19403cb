"""Names, settings and links that lead elsewhere: refused before anything is asked for, nothing outside is touched."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import resumable
from resumable import JobState, UsageError
from resumable.errors import ExitCode, Incomplete, ManifestUnusable, StorageFailed, VerificationFailed
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import CommandLine
from tests.support.inprocess import settings_for, spec_for
from tests.support.truth import records_of, truth_of

pytestmark = pytest.mark.torture

Tally = Callable[[str, int], None]

DAY = ("--from", "2023-10-01", "--to", "2023-10-03", "--page-size", "20", "--rate", "6000")

NAMES = (
    "../x", "..", ".", "/", "/tmp/x", "a/b", "a/../b", "a\\b", "", " ", " a", "a ", "a b", "-a", "--job", ".hidden",
    "_a", "a.", "a\x00b", "a\nb", "a\r", "\ta", "a\x1b[2J", "a:b", "a*", "a?", "~", "~root", "$HOME", "a;b", "a|b",
    "x" * 101, "x" * 300, "x" * 5000, "é", "ａ", "a\u202eb", "a\u200bb", "con/..", "%2e%2e", "a%2Fb", "\udcff",
    "manifest.sqlite/..", "..\x00", "a'b", 'a"b', "a<b>", "\ufeffa",
)  # fmt: skip
"""What no job may be called."""

SETTINGS: dict[str, str] = {
    "GENESYS_API_URL": "http://192.0.2.1", "GENESYS_LOGIN_URL": "ftp://127.0.0.1", "RESUMABLE_WORKERS": "many",
    "RESUMABLE_MIN_FREE": "-1", "RESUMABLE_INTERVAL_DAYS": "0", "RESUMABLE_DEEP_LIMIT": "1e9",
    "RESUMABLE_PROXY": "socks5://x:1", "RESUMABLE_PROGRESS_SECONDS": "soon", "GENESYS_REGION": "../x",
}  # fmt: skip
"""A wrong value of each setting."""

DESCRIPTIONS: dict[str, bytes] = {
    "not TOML": b"name = [unclosed",
    "nothing": b"",
    "not UTF-8": b'name = "\xff\xfe"',
    "binary": bytes(range(256)),
    "a byte order mark": b"\xef\xbb\xbfname = 'a'",
    "unknown members": b'name = "a"\n[surprise]\nx = 1\n',
    "a number for a table": b'name = "a"\nrequest = 5\nanswer = 6\nschema = 7\n',
    "a path elsewhere": b'name = "a"\n[request]\npath = "https://evil.example"\n[answer]\nrecords = "r"\nkey = "id"\n',
    "a path that climbs": b'name = "a"\n[request]\npath = "/a/../../x"\n[answer]\nrecords = "r"\nkey = "id"\n',
    "a name that climbs": b'name = "../x"\n[request]\npath = "/a"\n[answer]\nrecords = "r"\nkey = "id"\n',
    "a million lists": b"a = " + b"[" * 1_000_000,
}


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """Return a folder full of files that nobody may touch, and see afterwards that nobody did."""
    folder = tmp_path / "outside"
    (folder / "parts").mkdir(parents=True)
    for name in (
        "page-00001.parquet",
        "manifest.sqlite",
        ".page-00001.parquet.tmp",
        "parts/page-00001.parquet",
        "lock",
    ):
        (folder / name).write_bytes(b"not yours")
    before = _all(folder)
    yield folder
    assert _all(folder) == before, "something outside of the job's folder was touched"


def _all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """Serve a little."""
    with Simulator(SimSettings(records=45, style=Style.SMALL, rate_public=None)) as sim:
        yield sim


def test_a_jobs_name_that_is_no_plain_name_is_refused_everywhere(
    sim: Simulator, outside: Path, tmp_path: Path, tally: Tally
) -> None:
    """By the library and by each command: exit 2, no request, no file, no control character on the terminal."""
    cli = CommandLine(sim=sim, state=tmp_path / "state")
    before = _tree(tmp_path)
    for name in NAMES:
        if name:  # for the library none is the default
            with pytest.raises(UsageError):
                resumable.make(
                    spec_for("conversations", "2023-10-01", "2023-10-02"), settings_for(sim, cli.state), name=name
                )
        for command in (
            ("backfill", "conversations", *DAY, f"--job={name}"),
            ("resume", "--", name),
            ("status", "--", name),
        ):
            if command[0] == "backfill" and not name:
                continue
            outcome = cli(*command)
            assert outcome.code == ExitCode.USAGE, (name, command, outcome)
            assert all(character.isprintable() or character == "\n" for character in outcome.stderr), ascii(
                outcome.stderr
            )
            assert outcome.stdout == ""
    assert _tree(tmp_path) == before
    assert len(sim.log) == 0
    tally("names that no job may have, by library and commands", len(NAMES))


@pytest.mark.parametrize("variable", SETTINGS)
def test_a_wrong_setting_is_a_usage_error_that_names_it(variable: str, sim: Simulator, tmp_path: Path) -> None:
    """Exit 2 before anything is asked for or written."""
    cli = CommandLine(sim=sim, state=tmp_path / "state", extra={variable: SETTINGS[variable]})
    outcome = cli("backfill", "conversations", *DAY)
    assert outcome.code == ExitCode.USAGE, outcome
    assert len(sim.log) == 0
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize("value", ["a\udcffb", "a\nb", "a\x00b", "é", "x" * 100_000], ids=ascii)
@pytest.mark.parametrize("variable", ["GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET"])
def test_credentials_of_odd_characters_are_refused_by_somebody(
    variable: str, value: str, sim: Simulator, tmp_path: Path
) -> None:
    """Here or by the server: exit 2 or 4, never a traceback, and the value is not shown."""
    cli = CommandLine(sim=sim, state=tmp_path / "state", extra={variable: value})
    outcome = cli("backfill", "conversations", *DAY)
    assert outcome.code in (ExitCode.USAGE, ExitCode.AUTHENTICATION), outcome
    assert "Traceback" not in outcome.stderr
    assert len(value) < 3 or value not in outcome.stderr


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_a_broken_description_is_a_usage_error(description: str, sim: Simulator, tmp_path: Path) -> None:
    """Exit 2 with the file's name, no request, no job."""
    path = tmp_path / "described.toml"
    path.write_bytes(DESCRIPTIONS[description])
    outcome = CommandLine(sim=sim, state=tmp_path / "state")("backfill", str(path), *DAY)
    assert outcome.code == ExitCode.USAGE, outcome
    assert len(sim.log) == 0
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("kind", ["a folder", "a device", "a link to nothing", "no file"])
def test_a_description_that_is_no_file_is_a_usage_error(kind: str, sim: Simulator, tmp_path: Path) -> None:
    """Exit 2 at once: nothing reads a device for ever."""
    path = tmp_path / "described.toml"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    elif kind == "a link to nothing":
        path.symlink_to(tmp_path / "nowhere")
    outcome = CommandLine(sim=sim, state=tmp_path / "state")("backfill", str(path), *DAY)
    assert outcome.code == ExitCode.USAGE, outcome
    assert len(sim.log) == 0


LINKS = ("{job}", "{job}/parts", "{job}/parts/window=20231001T000000Z", "{job}/lock", "{job}/manifest.sqlite")
PAGE = "{job}/parts/window=20231001T000000Z/page-00001.parquet"
FILES = (PAGE, PAGE.replace("page-", ".page-") + ".tmp", "{job}/receipt.json", "{job}/.receipt.json.tmp")


@pytest.mark.parametrize("target", ["there", "not there"])
@pytest.mark.parametrize("link", [*LINKS, *FILES])
def test_a_planted_link_leads_nowhere(
    link: str, target: str, sim: Simulator, outside: Path, tmp_path: Path, tally: Tally
) -> None:
    """A link in the place of any folder or file of a new job: refused or replaced, never followed."""
    state = tmp_path / "state"
    at = state / link.format(job="j")
    at.parent.mkdir(parents=True)
    goal = outside if link in LINKS[:3] else outside / at.name if (outside / at.name).exists() else outside / "lock"
    at.symlink_to(goal if target == "there" else outside / "not-there")
    outcome = CommandLine(sim=sim, state=state)("backfill", "conversations", *DAY, "--job", "j")
    assert outcome.code in (0, 2, 5, 8), outcome
    assert not (outside / "not-there").exists(), "the link was followed"
    if outcome.code == 0:
        job = resumable.find("j", settings_for(sim, state))
        assert records_of(job) == truth_of(job, sim)
    tally("planted links", 1)


@pytest.mark.parametrize("link", LINKS[1:3])
def test_a_link_that_appears_between_two_runs_leads_nowhere(
    link: str, sim: Simulator, outside: Path, tmp_path: Path
) -> None:
    """A folder of a job that has become a link elsewhere ends the run, nothing goes there, and put back all is well."""
    state = tmp_path / "state"
    cli = CommandLine(sim=sim, state=state)
    assert cli("backfill", "conversations", *DAY, "--job", "j", "--max-duration", "1s").code in (0, 3)
    at = state / link.format(job="j")
    if not at.exists():
        pytest.fail("the first run made no part")
    at.rename(tmp_path / "moved")
    at.symlink_to(outside)
    job = resumable.find("j", settings_for(sim, state))
    spec = spec_for("conversations", "2023-10-01", "2023-10-03")
    with pytest.raises((StorageFailed, ManifestUnusable, Incomplete, VerificationFailed)):
        resumable.make(spec, settings_for(sim, state), name="j").run()
    at.unlink()
    (tmp_path / "moved").rename(at)
    assert job.run().state is JobState.COMPLETE
    assert records_of(job) == truth_of(job, sim)
