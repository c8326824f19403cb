"""Where settings come from that nobody types: files that are found by themselves, and places of secrets."""

import sys
from pathlib import Path

import pytest

from resumable.cli.dotenv import with_dotenv
from resumable.cli.main import run
from tests.support.command_line import RANGE, CommandLine

JOB = "dataset = 'users'\nrate = '90%'\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder, with a home beside it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def profile(cli: CommandLine, secret: str) -> str:
    """Return a profile that leads to the simulator, with its secret from somewhere."""
    return (
        f'[profiles.sim]\napi_url = "{cli.sim.url}"\nlogin_url = "{cli.sim.url}"\nclient_id_env = "SIM_ID"\n{secret}\n'
    )


def test_a_job_file_of_the_working_folder_is_found_by_itself(cli: CommandLine, here: Path) -> None:
    """It says the options that are not typed, and that it does is said."""
    (here / "resumable.toml").write_text(JOB)
    outcome = cli("backfill", "--job", "u")
    assert outcome.code == 0, outcome.stderr
    assert "what is not typed is as resumable.toml says" in outcome.stderr
    assert cli("status", "u", "--json").json["dataset"] == "users"


def test_it_says_nothing_of_whom_to_ask(cli: CommandLine, here: Path, tmp_path: Path) -> None:
    """A folder may be anybody's: profiles are those of the user's own configuration, or of a file that is named."""
    settings = cli.sim.settings
    cli.extra |= {"SIM_ID": settings.client_id, "SIM_SECRET": settings.client_secret, "HOME": str(tmp_path / "home")}
    own = profile(cli, 'client_secret_env = "SIM_SECRET"')
    (here / "resumable.toml").write_text(JOB + own)
    refused = cli("backfill")
    assert refused.code == 2
    assert "has profiles" in refused.stderr
    user = tmp_path / "home" / ".config" / "resumable"
    user.mkdir(parents=True)
    (user / "config.toml").write_text('rate = "50%"\n' + own)
    (here / "resumable.toml").write_text(JOB)
    cli.extra |= {"GENESYS_CLIENT_ID": "", "GENESYS_CLIENT_SECRET": "", "GENESYS_API_URL": "", "GENESYS_LOGIN_URL": ""}
    outcome = cli("backfill", "--profile", "sim")
    assert outcome.code == 0, outcome.stderr


@pytest.mark.shows_secrets("the command that tells a secret is the test's own, with the secret in it")
@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("print('simulator-secret')", None),
        ("raise SystemExit(3)", "ended with 3"),
        ("print('one'); print('two')", "does not hold one line"),
    ],
)
def test_a_command_tells_a_secret(code: str, text: str | None, cli: CommandLine, tmp_path: Path) -> None:
    """What it writes is the secret, and never in a message."""
    cli.extra |= {"SIM_ID": cli.sim.settings.client_id, "GENESYS_CLIENT_SECRET": ""}
    file = tmp_path / "jobs.toml"
    file.write_text(profile(cli, f'client_secret_command = "{sys.executable} -c \\"{code}\\""'))
    outcome = cli("backfill", "users", "--config", str(file), "--profile", "sim")
    assert outcome.code == (0 if text is None else 2), outcome.stderr
    assert text is None or (text in outcome.stderr and "two" not in outcome.stderr)


def test_a_keyring_that_is_not_installed_is_named(cli: CommandLine, tmp_path: Path) -> None:
    """The library is optional, and the hint installs it."""
    file = tmp_path / "jobs.toml"
    file.write_text(profile(cli, 'client_secret_keyring = "genesys/me"'))
    cli.extra["SIM_ID"] = "x"
    outcome = cli("backfill", "users", "--config", str(file), "--profile", "sim")
    assert outcome.code == 2
    assert "keyring" in outcome.stderr


def test_dotenv_says_what_is_not_set_and_never_half_of_a_client(here: Path) -> None:
    """Quotes, comments and `export` are read; what is set wins, and of whom to ask all or nothing is taken."""
    (here / ".env").write_text(
        "# a comment\nexport GENESYS_REGION=eu-central-1 # here\nGENESYS_CLIENT_ID='an id'\nOTHER=1\n"
        'RESUMABLE_STATE="/data"\n'
    )
    found = {"GENESYS_REGION": "eu-central-1", "GENESYS_CLIENT_ID": "an id", "RESUMABLE_STATE": "/data"}
    assert with_dotenv({}, here) == found
    assert with_dotenv({"RESUMABLE_STATE": "/x"}, here) == {**found, "RESUMABLE_STATE": "/x"}
    half = {"GENESYS_CLIENT_SECRET": "s"}
    assert with_dotenv(half, here) == {**half, "RESUMABLE_STATE": "/data"}


def test_a_dotenv_that_is_broken_is_a_usage_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A quote that is not closed is named by file and line, not by its value."""
    (here / ".env").write_text("GENESYS_CLIENT_SECRET='half-a-value\n")
    assert run(["jobs"]) == 2
    said = capsys.readouterr().err
    assert "line 1 of .env" in said
    assert "half-a-value" not in said


def test_a_range_may_be_in_a_file_as_people_mean_it(cli: CommandLine, here: Path) -> None:
    """A nightly job file needs no date in it."""
    start, end = RANGE[1], RANGE[3]
    (here / "nightly.toml").write_text(f"dataset = 'conversations'\nfrom = {start}\nto = {end}\njob = 'nightly'\n")
    assert cli("backfill", "--config", "nightly.toml").code == 0
