"""Job files: all that the flags say, and profiles of organisations; what is typed wins."""

from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from tests.support.command_line import CommandLine

JOB = """
dataset = "conversations"
from = 2023-10-01
to = "2023-10-03"
job = "j"
page_size = 50
rate = 12000
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that writes a job file and returns its path."""

    def written(text: str) -> str:
        path = tmp_path / "job.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def test_a_job_file_says_what_the_flags_would(cli: CommandLine, write: Callable[[str], str]) -> None:
    """With nothing else typed the job is the one that the same flags make: the flags find it complete."""
    outcome = cli("backfill", "--config", write(JOB))
    assert outcome.code == 0, outcome.stderr
    sent = len(cli.sim.log)
    flags = ("conversations", "--from", "2023-10-01", "--to", "2023-10-03", "--page-size", "50", "--job", "j")
    assert cli("backfill", *flags).code == 0
    assert len(cli.sim.log) == sent
    assert {entry.page_size for entry in cli.sim.log.entries(Kind.CONVERSATIONS)} == {50}


def test_what_is_typed_wins(cli: CommandLine, write: Callable[[str], str]) -> None:
    """A flag over a key, the dataset over its own, wherever --config stands."""
    path = write(JOB)
    assert cli("backfill", "--job", "k", "--page-size", "100", "--config", path).code == 0
    assert {entry.page_size for entry in cli.sim.log.entries(Kind.CONVERSATIONS)} == {100}
    assert cli("status", "k", "--json").json["state"] == "complete"
    assert cli("backfill", "--config", path, "conversations-pagecount", "--job", "l").code == 0
    assert cli("status", "l", "--json").json["dataset"] == "conversations-pagecount"


def test_a_plan_writes_a_job_file_that_makes_the_same_job(cli: CommandLine, tmp_path: Path) -> None:
    """What was typed is in it, and nothing else; a file that is there is not overwritten."""
    path = tmp_path / "made.toml"
    odd = 'a "queue" with \\ and ü'
    flags = (
        "conversations",
        "--from",
        "2023-10-01",
        "--to",
        "2023-10-02",
        "--rate",
        "50%",
        "--division",
        odd,
        "--job",
        "j",
    )
    assert cli("plan", *flags, "--write", str(path)).code == 0
    assert len(path.read_text(encoding="utf-8").splitlines()) == 6
    assert cli("backfill", *flags).code == 0
    sent = len(cli.sim.log)
    assert cli("backfill", "--config", str(path)).code == 0
    assert len(cli.sim.log) == sent
    before = path.read_bytes()
    assert cli("plan", *flags, "--write", str(path)).code == 2
    assert path.read_bytes() == before


def test_a_plan_writes_nothing_into_a_job(cli: CommandLine, write: Callable[[str], str]) -> None:
    """Exit 2, and the job's folder is as it was."""
    path = write(JOB)
    assert cli("backfill", "--config", path).code == 0
    before = sorted(cli.state.rglob("*"))
    outcome = cli("plan", "--config", path, "--write", str(cli.state / "j" / "x.toml"))
    assert outcome.code == 2
    assert "is in the folder of the job j" in outcome.stderr
    assert sorted(cli.state.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("queeu = 'a'", "line 1: queeu is not a key of a job file; did you mean queue"),
        ("page_size = '50'", "line 1: page_size is a whole number"),
        ("page_size = true", "page_size is a whole number"),
        ("queue = [1]", "queue is a list of texts"),
        ("from = 7", "from is a text"),
        ("rate = false", "rate is a text"),
        ("from = ", "is not valid TOML"),
        ("profiles = 3", "profiles holds tables"),
        ("[profiles]\na = 1", "profiles.a is a table"),
        (
            "[profiles.a]\nregoin = 'x'",
            "line 2: profiles.a.regoin is not a key that is known here; did you mean region",
        ),
        ("[profiles.a]\nclient_secret = 'x-9-y-8-z'", "line 2: profiles.a.client_secret is not to be in a file"),
    ],
)
def test_a_wrong_file_is_a_usage_error_with_line_and_key(
    text: str, said: str, cli: CommandLine, write: Callable[[str], str]
) -> None:
    """Before anything is asked for; what looks like a secret is not repeated."""
    outcome = cli("backfill", "--config", write(text))
    assert outcome.code == 2
    assert said in outcome.stderr
    assert "x-9-y-8-z" not in outcome.stderr
    assert len(cli.sim.log) == 0


@pytest.mark.parametrize("name", ["missing.toml", "", "/dev/null/x", "."])
def test_a_file_that_cannot_be_read_is_a_usage_error(name: str, cli: CommandLine) -> None:
    """With its name."""
    outcome = cli("backfill", "--config", name)
    assert outcome.code == 2
    assert "--config" in outcome.stderr


def test_a_profile_stands_in_place_of_the_environment(
    simulated: Callable[..., Simulator], cli: CommandLine, tmp_path: Path
) -> None:
    """Each profile asks its own organisation with its own client; the environment's own is not mixed in."""
    other = simulated(records=20, client_id="other", client_secret="other-canary-1")
    (tmp_path / "secret").write_text("other-canary-1\n", encoding="utf-8")
    text = f"""
dataset = "conversations"
from = 2023-10-01
to = 2023-10-02

[profiles.one]
api_url = "{cli.sim.url}"
login_url = "{cli.sim.url}"

[profiles.two]
api_url = "{other.url}"
login_url = "{other.url}"
client_id_env = "OTHER_ID"
client_secret_file = "{tmp_path / "secret"}"
"""
    path = tmp_path / "job.toml"
    path.write_text(text, encoding="utf-8")
    cli.extra["OTHER_ID"] = "other"
    outcome = cli("backfill", "--config", str(path), "--profile", "two", "--job", "two")
    assert outcome.code == 0, outcome.stderr
    assert len(cli.sim.log) == 0
    assert other.log.count(Kind.CONVERSATIONS) == 1
    path.write_text(f'profile = "one"\n{text}', encoding="utf-8")
    assert cli("backfill", "--config", str(path), "--job", "one").code == 0
    assert cli.sim.log.count(Kind.CONVERSATIONS) == 3
    assert other.log.count(Kind.CONVERSATIONS) == 1


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("prdo", "has no profile 'prdo'; did you mean prod"),
        ("prod", "takes its client_secret from PROD_SECRET, which is not set"),
        ("file", "cannot be read"),
        ("lines", "does not hold one line"),
    ],
)
def test_a_profile_that_cannot_be_used_is_a_usage_error(
    profile: str, said: str, cli: CommandLine, write: Callable[[str], str], tmp_path: Path
) -> None:
    """It says what is missing, and by which name."""
    (tmp_path / "lines").write_text("two\nlines", encoding="utf-8")
    text = f"""{JOB}
[profiles.prod]
client_secret_env = "PROD_SECRET"
[profiles.file]
client_secret_file = "{tmp_path / "none"}"
[profiles.lines]
client_secret_file = "{tmp_path / "lines"}"
"""
    outcome = cli("backfill", "--config", write(text), "--profile", profile)
    assert outcome.code == 2
    assert said in outcome.stderr
    assert len(cli.sim.log) == 0


def test_a_profile_without_a_job_file_is_a_usage_error(cli: CommandLine) -> None:
    """There is nothing that it could be in."""
    assert cli("plan", "users", "--profile", "prod").code == 2
