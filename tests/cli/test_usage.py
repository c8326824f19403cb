"""A wrong command line is refused before anything is written or asked for."""

from pathlib import Path

import pytest

from tests.support.command_line import RANGE, CommandLine

BACKFILL = ("backfill", "conversations")

QUEUES = ("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b")

WRONG: list[tuple[tuple[str, ...], str]] = [
    (("backfill",), "no dataset is named"),
    (("backfil", "conversations"), "backfill"),
    (("backfill", "conversation", *RANGE), "conversations"),
    (BACKFILL, "--from"),
    ((*BACKFILL, "--from", "2023-10-01"), "--to"),
    ((*BACKFILL, "--from", "lastweek", "--to", "2023-10-02"), "2025-01-31"),
    ((*BACKFILL, "--from", "2023-02-30", "--to", "2023-10-02"), "not a time"),
    ((*BACKFILL, "--from", "2023-10-02", "--to", "2023-10-02"), "--to 2023-10-03"),
    ((*BACKFILL, "--from", "2023-10-02", "--to", "2023-10-01"), "not after"),
    ((*BACKFILL, "--from", "1823-10-02", "--to", "2023-10-01"), "year"),
    ((*BACKFILL, "--from", "2023-10-01", "--to", "9999-12-31"), "future"),
    ((*BACKFILL, "--from", "0001-01-01T00:00+23:00", "--to", "2023-10-01"), "not a time"),
    ((*BACKFILL, "--from", "2023-10-01T00:00:00.0001", "--to", "2023-10-02"), "millisecond"),
    ((*BACKFILL, *RANGE, "--page-size", "0"), "1 to 100"),
    ((*BACKFILL, *RANGE, "--page-size", "12.5"), "--page-size"),
    (("backfill", "conversations-pagecount", *RANGE, "--page-size", "1001"), "1 to 1000"),
    ((*BACKFILL, *RANGE, "--window", "1"), "1d, 12h"),
    ((*BACKFILL, *RANGE, "--window", "0d"), "--window"),
    ((*BACKFILL, *RANGE, "--window", "²d"), "--window"),
    ((*BACKFILL, *RANGE, "--max-duration", "soon"), "8h30m"),
    ((*BACKFILL, *RANGE, "--workers", "0"), "--workers is a whole number from 1 to 256."),
    ((*BACKFILL, *RANGE, "--max-requests", "many"), "--max-requests is a whole number, 1 or more."),
    ((*BACKFILL, *RANGE, "--quueue", "q"), "there is no option --quueue; did you mean --queue?"),
    (("export",), "--to is missing."),
    ((*BACKFILL, *RANGE, "--rate", "nan"), "--rate"),
    ((*BACKFILL, *RANGE, "--rate", "-3"), "--rate"),
    ((*BACKFILL, *RANGE, "--rate", "0%"), "--rate"),
    ((*BACKFILL, *RANGE, "--rate", "101%"), "--rate"),
    ((*BACKFILL, *RANGE, "--rate", "%"), "--rate"),
    ((*BACKFILL, *RANGE, "--rate", "fast"), "--rate"),
    ((*BACKFILL, *RANGE, "--on-drift", "panic"), "keep or fail"),
    ((*BACKFILL, *RANGE, "--filter", "{"), "not JSON"),
    ((*BACKFILL, *RANGE, "--filter", "[]"), "not an object"),
    ((*BACKFILL, *RANGE, "--filter", '{"a": NaN}'), "NaN"),
    ((*BACKFILL, *RANGE, "--filter", '{"conversationFilter": []}'), "conversationFilters"),
    ((*BACKFILL, *RANGE, "--filter", "@/no/such/file"), "cannot be read"),
    ((*BACKFILL, *RANGE, "--metric", "nConnected"), "--metric"),
    (("backfill", "users", "--queue", "q"), "--queue"),
    (("backfill", "users", *RANGE), "as it is today"),
    ((*BACKFILL, *RANGE, "--queue", " "), "--queue"),
    ((*BACKFILL, *RANGE, "--state", "a\0b"), "state folder"),
    (("status",), "no job"),
    (("status", "nothing"), "no job nothing"),
    (("resume",), "no job"),
    (("resume", "nothing"), "no job nothing"),
    (("simulate", "--latency", "slow"), "--latency"),
    (("simulate", "--faults", '[{"kind": "gremlins"}]'), "gremlins"),
    (("simulate", "--settings", '{"colour": 1}'), "colour"),
]

NAMES = [
    "../x",
    "..",
    "/etc/passwd",
    "a/b",
    "a\0b",
    "a\nb",
    "x" * 300,
    "-x",
    "",
    " ",
    ".hidden",
    "ends.",
    "na\u0308me",
    "a\x1b[2J",
]


def everything_in(folder: Path) -> list[Path]:
    """Return all that is in a folder."""
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize(("arguments", "says"), WRONG)
def test_a_wrong_command_is_a_usage_error(arguments: tuple[str, ...], says: str, cli: CommandLine) -> None:
    """It exits with 2, says what is wrong, and neither writes nor asks anything."""
    before = everything_in(cli.state.parent)
    outcome = cli(*arguments)
    assert outcome.code == 2, outcome.stderr
    assert says in outcome.stderr
    assert outcome.stdout == ""
    assert everything_in(cli.state.parent) == before
    assert len(cli.sim.log) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "command", [(*BACKFILL, *RANGE, "--job"), ("status", "--"), ("resume", "--")], ids=["backfill", "status", "resume"]
)
def test_a_job_name_that_could_leave_the_state_folder_is_refused(
    command: tuple[str, ...], name: str, cli: CommandLine
) -> None:
    """No name reaches outside the state folder, and none is written raw to the terminal."""
    before = everything_in(cli.state.parent)
    outcome = cli(*command, name)
    assert outcome.code == 2, outcome.stderr
    assert everything_in(cli.state.parent) == before
    assert outcome.stderr.replace("\n", "").isprintable()


def test_without_credentials_nothing_is_begun(cli: CommandLine) -> None:
    """A job that could not ask for anything leaves no folder behind."""
    cli.extra = {"GENESYS_CLIENT_SECRET": ""}
    outcome = cli(*BACKFILL, *RANGE)
    assert outcome.code == 4
    assert "GENESYS_CLIENT_SECRET" in outcome.stderr
    assert not cli.state.exists()


def test_a_described_endpoint_that_lacks_its_settings_is_not_begun(cli: CommandLine) -> None:
    """DATASET may be a file; what it needs is checked before anything is written."""
    example = Path(__file__).parent.parent / "datasets" / "described" / "example.toml"
    cli.extra = {"GENESYS_CLIENT_ID": "", "GENESYS_CLIENT_SECRET": ""}
    outcome = cli("backfill", str(example), *RANGE)
    assert outcome.code == 4, outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not cli.state.exists()


def test_without_a_region_the_error_names_the_variable_and_the_demo(cli: CommandLine) -> None:
    """Who has set up nothing yet is told what to set, and what works without."""
    cli.extra = {"GENESYS_API_URL": "", "GENESYS_LOGIN_URL": ""}
    outcome = cli(*BACKFILL, *RANGE)
    assert outcome.code == 2
    assert "GENESYS_REGION" in outcome.stderr
    assert "resumable demo" in outcome.stderr


def test_another_query_under_the_same_name_prints_the_difference(cli: CommandLine) -> None:
    """The name of a job belongs to one query."""
    assert cli(*BACKFILL, *RANGE, "--job", "j").code == 0
    outcome = cli(*BACKFILL, *RANGE, "--job", "j", "--queue", QUEUES[0])
    assert outcome.code == 2
    assert QUEUES[0] in outcome.stderr
    assert "resumable resume j" in outcome.stderr


def test_the_order_of_ids_does_not_make_another_query(cli: CommandLine) -> None:
    """The same queues in another order are the same job."""
    assert cli(*BACKFILL, *RANGE, "--queue", QUEUES[1], "--queue", QUEUES[0]).code == 0
    sent = len(cli.sim.log)
    assert cli(*BACKFILL, *RANGE, "--queue", QUEUES[0], "--queue", QUEUES[1]).code == 0
    assert len(cli.sim.log) == sent
