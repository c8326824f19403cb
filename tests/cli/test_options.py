"""One table of options: what a flag of runs is, it is for every command that runs, and for job files."""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.cli.app import COMMANDS
from resumable.cli.options import BackfillOptions, RunOptions
from resumable.cli.session import Session
from resumable.cli.signature import rows
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, CommandLine

RUNNING = ("plan", "backfill", "resume", "repair", "verify")

EVERY_WORD = (
    *("--drop", "externalTag", "--only", "participants", "--preset", "pii"),
    *(
        "--tz",
        "UTC",
        "--queue",
        "00000000-0000-4000-8000-00000000000a",
        "--division",
        "d",
        "--media-type",
        "voice",
        "--direction",
        "inbound",
    ),
    *("--filter", '{"conversationFilters": []}', "--job", "j", "--window", "12h", "--page-size", "50"),
    *("--look-back", "2d", "--workers", "2", "--rate", "12000", "--max-duration", "1h", "--max-requests", "1"),
    *(
        "--on-drift",
        "fail",
        "--fail-if-empty",
        "--same-organisation",
        "--patience",
        "1h",
        "--no-count",
        "--open-for",
        "30d",
        "--log-json",
        "--debug",
    ),
)
"""All options of a backfill of conversations but those of files and folders."""


def test_a_plan_takes_every_word_of_a_backfill(cli: CommandLine) -> None:
    """Put in the place of `backfill` it tells what those words would take; a limit of the run is none of the plan."""
    flags = {word for word in EVERY_WORD if word.startswith("--")}
    others = {"--from", "--to", "--config", "--profile", "--state", "--json", "--group-by", "--metric"}
    others |= {"--each", "--hash", "--hash-key", "--notify", "--metrics-file", "--log-file", "--quiet", "--verbose"}
    assert flags | others == {row.option.flag for row in rows(BackfillOptions) if row.option.flag}
    outcome = cli("plan", "conversations", *RANGE, *EVERY_WORD, "--json")
    assert outcome.code == 0, outcome.stderr
    assert outcome.json["windows"] == {"total": 6, "asked": 6}
    assert not cli.state.exists()
    assert cli("backfill", "conversations", *RANGE, *EVERY_WORD).code == 3
    assert cli("status", "j", "--json").json["windows"]["total"] == 6


def test_every_command_that_runs_takes_the_options_of_runs() -> None:
    """A flag of runs stands once in the table, and in the help of five commands."""
    flags = {row.typed for row in rows(RunOptions)}
    assert {"--workers", "--rate", "--config", "--profile"} < flags
    for name in RUNNING:
        assert flags <= {row.typed for row in rows(COMMANDS[name].options)}, name


def test_every_command_is_where_the_table_says() -> None:
    """Each has a module of its name with a function of its name, which takes what typer is told to read."""
    for name, command in COMMANDS.items():
        function = getattr(importlib.import_module(f"resumable.cli.commands.{name}"), name)
        taken = [parameter.annotation for parameter in inspect.signature(function).parameters.values()]
        assert taken == [Session, command.options], name


@pytest.fixture
def described(simulated: Callable[..., Simulator], cli: CommandLine, tmp_path: Path) -> tuple[Simulator, Path]:
    """Return another organisation's server, and a job file with a profile for it; the environment knows neither."""
    other = simulated(records=250, client_id="other", client_secret="other-canary-1")
    cli.extra |= {"OTHER_ID": "other", "OTHER_SECRET": "other-canary-1", "GENESYS_CLIENT_SECRET": ""}
    path = tmp_path / "job.toml"
    path.write_text(
        f"""
dataset = "conversations"
from = 2023-10-01
to = 2023-10-04
max_requests = 4
workers = 1
profile = "other"

[profiles.other]
api_url = "{other.url}"
login_url = "{other.url}"
client_id_env = "OTHER_ID"
client_secret_env = "OTHER_SECRET"
""",
        encoding="utf-8",
    )
    return other, path


def test_a_job_is_resumed_checked_and_repaired_by_its_file(cli: CommandLine, described: tuple[Simulator, Path]) -> None:
    """The file names the job, the organisation and the limits; what is typed wins."""
    other, path = described
    config = ("--config", str(path))
    assert cli("backfill", *config, "--job", "decoy", "--max-requests", "1").code == 3
    other.log.clear()
    assert cli("backfill", *config).code == 3
    assert cli("resume", *config).code == 3
    assert 0 < other.log.count(Kind.CONVERSATIONS) < 9
    outcome = cli("resume", *config, "--max-requests", "100")
    assert outcome.code == 0, outcome.stderr
    assert other.log.count(Kind.CONVERSATIONS) == 9
    assert cli("verify", *config, "--online", "--max-requests", "100").code == 0
    next(cli.state.rglob("page-00002.parquet")).unlink()
    assert cli("repair", *config, "--json").json["repair"]["faults"] != []
    assert other.log.count(Kind.CONVERSATIONS) == 13
    assert len(cli.sim.log) == 0


def test_a_file_that_describes_no_job_leaves_the_choice_as_it_is(cli: CommandLine, tmp_path: Path) -> None:
    """With limits alone in it, the only unfinished job is resumed."""
    path = tmp_path / "limits.toml"
    path.write_text("max_requests = 1\nworkers = 1\n", encoding="utf-8")
    assert cli("backfill", "conversations", *RANGE, "--config", str(path)).code == 3
    before = len(cli.sim.log)
    assert cli("resume", "--config", str(path)).code == 3
    assert len(cli.sim.log) > before
