"""fleet.toml: what it says becomes jobs, what is wrong in it is named at its line, and no secret can be in it."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resumable.cli.fleet_grammar import FleetGrammar
from resumable.cli.session import Session
from resumable.config import Settings
from resumable.errors import UsageError
from resumable.fleet.file import read
from resumable.fleet.fleet import Fleet, FleetClient, allowances
from tests.support.clock import VirtualClock

CLIENT = """\
[client.acme]
region = "eu-central-1"
client_id_env = "ACME_ID"
client_secret_file = "/run/secrets/acme"
rate = "80%"
"""
JOB = """
[[job]]
client = "acme"
dataset = "conversations"
from = 2025-01-01
to = 2025-02-01
"""


def fleet(text: str) -> Fleet:
    """Read a fleet on a day of 2026."""
    clock = VirtualClock(at=datetime(2026, 3, 1, 14, tzinfo=UTC))
    session = Session(stdout=io.StringIO(), stderr=io.StringIO(), environment={}, clock=clock)
    return read("fleet.toml", text, FleetGrammar(session=session, settings=Settings(state=Path("no", "such", "state"))))


def test_a_job_is_what_a_backfill_is_given() -> None:
    """Dataset, options of the client under its own, dates, lists, switches; and the client as a profile says it."""
    job = fleet(CLIENT + JOB + 'queue = ["q2", "q1"]\nworkers = 4\nno_count = true\nrate = 100\n').jobs[0]
    assert set(job.arguments) == {
        "conversations", "--from=2025-01-01", "--to=2025-02-01", "--queue=q2", "--queue=q1", "--workers=4",
        "--no-count", "--rate=100", f"--job={job.name}",
    }  # fmt: skip
    assert (job.client.name, job.dataset) == ("acme", "conversations")
    assert job.client.profile == {
        "region": "eu-central-1",
        "client_id_env": "ACME_ID",
        "client_secret_file": "/run/secrets/acme",
    }
    assert "--rate=80%" in fleet(CLIENT + JOB).jobs[0].arguments


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (JOB, "acme-conversations-2025-01"),
        (JOB + 'name = "mine"\n', "mine"),
        (JOB.replace("2025-02-01", '"yesterday"') + 'look_back = "4d"\n', "acme-conversations-since-2025-01-01"),
        (JOB.replace("2025-02-01", '"-2d"') + 'look_back = "4d"\n', "acme-conversations-since-2025-01-01"),
        (JOB.replace("2025-01-01", '"yesterday"').replace("2025-02-01", '"today"'), "acme-conversations-2026-02-28"),
        (JOB.replace("2025-01-01", '"yesterday"').replace("to = 2025-02-01", ""), "acme-conversations-2026-02-28"),
    ],
    ids=["the default", "given", "the end moves on", "in other words", "a day of its own", "a day by one word"],
)
def test_a_job_has_a_name_that_stays(said: str, name: str) -> None:
    """The client's and the default one, without an end that is another each night; or the name that is given."""
    assert fleet(CLIENT + said).jobs[0].name == name


def test_the_words_for_days_are_dates_by_the_time_a_job_runs() -> None:
    """All tries of one night have one range."""
    job = fleet(CLIENT + JOB.replace("2025-02-01", '"Yesterday"') + 'look_back = "4d"\n').jobs[0]
    assert {"--from=2025-01-01", "--to=2026-02-28", "--look-back=4d"} < set(job.arguments)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (JOB, None, "client is missing"),
        (CLIENT, None, "job is missing"),
        (CLIENT + JOB + 'datset = "users"\n', 12, "datset is not a key that is known here; did you mean dataset"),
        (CLIENT + JOB + JOB.replace("2025-01-01", "7"), 16, "job.from is a text"),
        (CLIENT + JOB + JOB, 13, "job.name acme-conversations-2025-01 is the name of two jobs"),
        (CLIENT + JOB + JOB.replace('"acme"', '"acmee"'), 14, "is 'acmee', which is not a client"),
        (CLIENT + JOB.replace('client = "acme"', ""), 7, "client is missing"),
        (CLIENT + JOB.replace("conversations", "conversation"), 7, "job of acme is not right"),
        (CLIENT + JOB.replace("2025-02-01", '"yesterday"'), 7, "its end moves on each day"),
        (CLIENT + JOB + 'name = "../x"\n', 7, "cannot be a job's name"),
        (CLIENT + JOB + 'state = "here"\n', 12, "state is not a key"),
        (CLIENT + 'queue = "q"\n' + JOB, 6, "queue is not a key"),
        (CLIENT + 'client_secret = "canary"\n' + JOB, 6, "is not to be in a file"),
        (CLIENT.replace('"ACME_ID"', "5") + JOB, 3, "client.acme.client_id_env is a whole number, not text"),
        ("[clients.acme]\n" + JOB, 1, "clients is not a key of a fleet; did you mean client"),
        (CLIENT + "[[job]\n", None, "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_at_its_line(text: str, line: int | None, words: str) -> None:
    """A usage error with the line of the second job where it is the second; a secret in the file is not shown."""
    with pytest.raises(UsageError) as caught:
        fleet(text)
    assert words in caught.value.message
    assert caught.value.exit_code == 2
    if line is not None:
        assert caught.value.message.startswith(f"fleet.toml, line {line}: ")
    assert "canary" not in f"{caught.value.message}{caught.value.hint}"


def test_clients_with_one_id_have_one_allowance() -> None:
    """Whatever they are called and wherever the id comes from; another address is another allowance."""
    environment = {"A": "one-id", "B": "one-id ", "C": "another"}

    def client(name: str, variable: str, region: str = "eu-central-1") -> FleetClient:
        return FleetClient(name=name, profile={"client_id_env": variable, "region": region})

    clients = [client("a", "A"), client("b", "B"), client("c", "C"), client("d", "A", "us-east-1"), client("e", "E")]
    found = allowances(clients, environment)
    assert found["a"] == found["b"]
    assert len(set(found.values())) == 4
