"""One organisation a job: two simulators of two organisations, and every command between them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from resumable.errors import ExitCode
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, CommandLine

Sim = Callable[..., Simulator]
REFUSED = "holds data of"
DATASETS = ("conversations", "conversations-pagecount", "conversation-jobs", "user-details", "user-detail-jobs")
LISTS = ("users", "queues", "wrapupcodes")
LATER = ("--from", "2023-10-01", "--to", "2023-10-05")


@pytest.fixture
def here() -> Iterator[Simulator]:
    """The organisation that jobs are begun at."""
    with Simulator(_settings("Acme", 1)) as sim:
        yield sim


@pytest.fixture
def there() -> Iterator[Simulator]:
    """Another organisation, with the same credentials: only what the server says tells them apart."""
    with Simulator(_settings("Beta", 2)) as sim:
        yield sim


@pytest.fixture
def cli(here: Simulator, tmp_path: Path) -> CommandLine:
    """The command line at the first."""
    return CommandLine(sim=here, state=tmp_path / "state")


@pytest.fixture
def elsewhere(there: Simulator, tmp_path: Path) -> CommandLine:
    """The command line at the other, over the same state folder."""
    return CommandLine(sim=there, state=tmp_path / "state")


def _settings(name: str, seed: int, **more: Any) -> SimSettings:  # noqa: ANN401 - any setting
    return SimSettings(
        organisation=name,
        seed=seed,
        records=45,
        users=130,
        queues=130,
        wrapup_codes=130,
        style=Style.SMALL,
        rate_public=None,
        rate_article=None,
        **more,
    )


def begin(cli: CommandLine, dataset: str = "conversations", *more: str) -> int:
    """Begin a job and leave it unfinished."""
    span = () if dataset in LISTS else RANGE
    size = ("--page-size", "20")
    return cli("backfill", dataset, *span, *size, "--job", "j", "--max-requests", "4", "--workers", "1", *more).code


def asked_of(sim: Simulator) -> set[Kind]:
    """Return what a server was asked for, apart from tokens."""
    return {entry.kind for entry in sim.log} - {Kind.TOKEN}


def everything(state: Path) -> dict[str, bytes]:
    """Return all that lies in a state folder, apart from what every look at SQLite may touch."""
    kept = (path for path in state.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal", "lock")))
    return {str(path): path.read_bytes() for path in kept if ".pace" not in path.parts}


@pytest.mark.parametrize("dataset", [*DATASETS, *LISTS])
def test_a_job_begun_at_one_is_not_resumed_at_another(dataset: str, cli: CommandLine, elsewhere: CommandLine) -> None:
    """Exit 2 names both; nothing is asked of the other but who it is; at the first it completes."""
    assert begin(cli, dataset) == ExitCode.INCOMPLETE
    for command in (("resume", "j"), ("repair", "j")):
        outcome = elsewhere(*command)
        assert outcome.code == ExitCode.USAGE, outcome.stderr
        assert "Acme" in outcome.stderr
        assert "Beta" in outcome.stderr
        assert REFUSED in outcome.stderr
    assert asked_of(elsewhere.sim) == {Kind.ORGANISATION}
    assert cli("resume", "j").code == ExitCode.COMPLETE
    assert asked_of(elsewhere.sim) == {Kind.ORGANISATION}


def test_a_refused_run_changes_nothing(cli: CommandLine, elsewhere: CommandLine) -> None:
    """Not a byte of the job, not its counters, not its history."""
    begin(cli)
    cli("status", "j")
    before, told = everything(cli.state), cli("status", "j", "--json").json
    for command in (
        ("resume", "j"),
        ("repair", "j"),
        ("verify", "j", "--online"),
        ("backfill", "conversations", *LATER, "--page-size", "20", "--job", "j", "--look-back", "4d"),
    ):
        assert elsewhere(*command).code == ExitCode.USAGE, command
    after = cli("status", "j", "--json").json
    assert after == told
    assert everything(cli.state) == before


def test_a_complete_job_is_not_called_complete_at_another(cli: CommandLine, elsewhere: CommandLine) -> None:
    """Although nothing is left to ask for; at its own server it costs no request."""
    words = ("backfill", "conversations", *RANGE, "--page-size", "20", "--job", "j")
    assert cli(*words).code == ExitCode.COMPLETE
    sent = len(cli.sim.log)
    assert cli(*words).code == ExitCode.COMPLETE
    assert len(cli.sim.log) == sent
    for command in (words, ("resume", "j"), ("repair", "j"), ("verify", "j", "--online")):
        assert elsewhere(*command).code == ExitCode.USAGE, command
    assert asked_of(elsewhere.sim) == {Kind.ORGANISATION}


def test_the_organisation_is_in_status_footers_and_receipt(cli: CommandLine) -> None:
    """With origin, id, name and a digest of the client; the client's id itself is nowhere."""
    assert cli("backfill", "conversations", *RANGE, "--page-size", "20", "--job", "j").code == ExitCode.COMPLETE
    told = cli("status", "j", "--json").json["organisation"]
    assert (told["name"], told["origin"]) == ("Acme", cli.sim.url)
    receipt = json.loads((cli.state / "j" / "receipt.json").read_text())
    assert receipt["organisation"] == told
    assert "Acme" in cli("status", "j").stdout
    for path in (cli.state / "j" / "parts").rglob("*.parquet"):
        footer = json.loads(ds.dataset(path).schema.metadata[b"resumable"])
        assert (footer["origin"], footer["organisation"]) == (told["origin"], told["id"])
    assert not any(cli.sim.settings.client_id.encode() in content for content in everything(cli.state).values())


def test_profiles_of_one_file_are_jobs_of_their_own(
    cli: CommandLine, here: Simulator, there: Simulator, tmp_path: Path
) -> None:
    """The default name says the profile where there are several, so that each organisation has its own job."""
    path = tmp_path / "year.toml"
    profiles = [
        f'[profiles.{name}]\napi_url = "{sim.url}"\nlogin_url = "{sim.url}"\n'
        'client_id_env = "ID"\nclient_secret_env = "SECRET"\n'
        for name, sim in (("prod", here), ("other", there))
    ]
    job = 'dataset = "conversations"\nfrom = 2023-10-01\nto = 2023-10-04\npage_size = 20\n'
    path.write_text(job + "\n".join(profiles))
    cli.extra = {"ID": here.settings.client_id, "SECRET": here.settings.client_secret}
    for name in ("prod", "other"):
        assert cli("backfill", "--config", str(path), "--profile", name).code == ExitCode.COMPLETE
    jobs = {folder.name for folder in cli.state.iterdir() if not folder.name.startswith(".")}
    assert jobs == {"prod-conversations-2023-10-01-to-2023-10-04", "other-conversations-2023-10-01-to-2023-10-04"}
    for name, sim in (("prod", here), ("other", there)):
        folder = cli.state / f"{name}-conversations-2023-10-01-to-2023-10-04" / "parts"
        ids = set(ds.dataset(folder).to_table(columns=["conversationId"]).column(0).to_pylist())
        assert ids == set(sim.truth("2023-10-01/2023-10-04").ids)


def test_names_of_another_organisation_are_not_put_beside_ids(
    cli: CommandLine, elsewhere: CommandLine, tmp_path: Path
) -> None:
    """The lists of the other organisation in the same state folder are refused, and its own ones are taken."""
    assert cli("backfill", "conversations", *RANGE, "--page-size", "20", "--job", "j").code == ExitCode.COMPLETE
    assert elsewhere("backfill", "queues", "--job", "queues-there").code == ExitCode.COMPLETE
    outcome = cli("export", "j", "--to", str(tmp_path / "out.csv"), "--names")
    assert outcome.code == ExitCode.USAGE
    assert "another organisation" in outcome.stderr
    assert cli("backfill", "queues", "--job", "queues-here").code == ExitCode.COMPLETE
    assert cli("export", "j", "--to", str(tmp_path / "out.csv"), "--names").code == ExitCode.COMPLETE


def test_a_client_that_may_not_ask_is_told_apart_by_address_and_client(tmp_path: Path) -> None:
    """The same client resumes; a new one needs the flag, and its confirmation is kept as an event."""
    with Simulator(_settings("Acme", 1, organisation_told=False)) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        begin(cli)
        assert begin(cli) == ExitCode.INCOMPLETE
        sim.switch(client_id="another-client")
        outcome = cli("resume", "j")
        assert outcome.code == ExitCode.USAGE
        assert "--same-organisation" in outcome.stderr
        assert cli("resume", "j", "--same-organisation").code == ExitCode.COMPLETE
        kinds = [event["kind"] for event in cli("status", "j", "--json").json["events"]]
        assert "organisation" in kinds
