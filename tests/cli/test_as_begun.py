"""Resuming is resuming as it was begun, and a command that is printed works as printed."""

import re
import shlex
from pathlib import Path

import pytest

from resumable.cli.as_begun import begun_of
from resumable.cli.options import RunOptions
from resumable.job.begun import Begun, recall
from resumable.storage.job_files import StateFiles
from tests.support.command_line import RANGE, CommandLine

BEGIN = ("backfill", "conversations", *RANGE, "--job", "j")
LIMITED = (*BEGIN, "--max-requests", "2", "--workers", "1")


def test_a_job_is_resumed_with_what_it_was_begun_with(cli: CommandLine) -> None:
    """Rate, workers, patience and drift policy are those of the beginning, and what is typed wins for its run alone."""
    assert cli(*LIMITED, "--rate", "6000", "--on-drift", "fail", "--patience", "1h").code == 3
    home = StateFiles(folder=cli.state).job("j")
    begun = Begun(rate="6000", workers=1, patience="1h", on_drift="fail")
    assert recall(home) == begun
    outcome = cli("resume", "j", "--rate", "9000", "--max-requests", "1")
    assert outcome.code == 3
    assert "as it was begun: --workers 1 --patience 1h --on-drift fail" in outcome.stderr
    assert recall(home) == begun
    assert cli(*LIMITED, "--rate", "7000").code == 3
    assert recall(home).rate == "7000"


def test_what_is_refused_is_not_remembered(cli: CommandLine) -> None:
    """Another organisation's credentials change nothing of a job, the way it is asked least of all."""
    assert cli(*LIMITED).code == 3
    before = recall(StateFiles(folder=cli.state).job("j"))
    cli.sim.switch(organisation="Another", client_id="another-client")
    assert cli(*BEGIN, "--rate", "10").code == 2
    assert recall(StateFiles(folder=cli.state).job("j")) == before


def test_a_profile_is_found_again_in_its_job_file(cli: CommandLine, tmp_path: Path) -> None:
    """A job that was begun with a profile is resumed with it, and says so where its file is gone."""
    file = tmp_path / "jobs.toml"
    file.write_text(
        f'[profiles.one]\napi_url = "{cli.sim.url}"\nlogin_url = "{cli.sim.url}"\n'
        'client_id_env = "ONE_ID"\nclient_secret_env = "ONE_SECRET"\n'
    )
    settings = cli.sim.settings
    cli.extra |= {"ONE_ID": settings.client_id, "ONE_SECRET": settings.client_secret}
    cli.extra |= {"GENESYS_CLIENT_ID": "", "GENESYS_CLIENT_SECRET": ""}
    assert cli(*LIMITED, "--config", str(file), "--profile", "one").code == 3
    assert cli("resume", "j").code == 0
    file.rename(tmp_path / "moved.toml")
    assert "with the profile one of a job file" in cli("resume", "j").stderr
    assert cli("resume", "j", "--config", str(tmp_path / "moved.toml"), "--profile", "one").code == 0


@pytest.mark.parametrize("text", [None, "", "[]", "nonsense", '{"rate": 5, "workers": "x", "newer": 1}'])
def test_what_nobody_can_read_was_not_typed(text: str | None) -> None:
    """A manifest of a newer version, or one that somebody has edited, lets a run go with what is typed."""
    assert Begun.from_json(text) == Begun()


def test_what_is_remembered_is_what_was_typed() -> None:
    """The options of a run and what a manifest keeps of them are the same through JSON."""
    begun = begun_of(RunOptions(rate="80%", workers=3, no_count=True, profile="p", config="/x/y.toml"))
    assert Begun.from_json(begun.to_json()) == begun
    assert begun.config == "/x/y.toml"


def test_every_printed_command_works_as_printed(cli: CommandLine) -> None:
    """With the state folder that was typed, each is typed again and is understood, and the job ends complete."""
    cli.extra["RESUMABLE_STATE"] = ""
    there = ("--state", str(cli.state))
    outcomes = [cli(*BEGIN, "--max-requests", "2", "--workers", "1", *there)]
    outcomes += [cli("status", "j", *there), cli("export", "j", "--to", str(cli.state.parent / "x.csv"), *there)]
    outcomes += [cli("status", "nothing", *there)]
    outcomes += [cli("resume", "j", *there)]
    next(cli.job("j").files()).write_bytes(b"damaged")
    outcomes += [cli("verify", "j", *there)]
    typed = [
        command
        for outcome in outcomes
        for command in re.findall(
            r"resumable (?:resume|repair|status|export|jobs)[^\n]*", outcome.stdout + outcome.stderr
        )
    ]
    assert len(typed) >= 6, typed
    for command in typed:
        words = shlex.split(re.sub(r"\s{3,}exit \d+$", "", command))[1:]
        assert str(cli.state) in words, command
        assert cli(*words).code in (0, 3, 6), command
    assert cli("verify", "j", *there).code == 0
