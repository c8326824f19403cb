"""A slip in a filter is named: the server would find nothing, and say nothing."""

from tests.support.command_line import RANGE, CommandLine

PLAN = ("plan", "conversations", *RANGE)


def test_a_value_that_is_not_listed_is_refused_with_the_nearest(cli: CommandLine) -> None:
    """Directions and media types are those that the vendor lists, in whatever case they are typed."""
    assert cli(*PLAN, "--direction", "Inbound", "--media-type", "VOICE").code == 0
    wrong = cli(*PLAN, "--direction", "inbuond")
    assert wrong.code == 2
    assert "did you mean inbound" in wrong.stderr
    wrong = cli(*PLAN, "--media-type", "phone")
    assert wrong.code == 2
    assert "callback, chat, cobrowse" in wrong.stderr


def test_a_queue_is_found_by_its_name_once_the_list_is_there(cli: CommandLine) -> None:
    """The id of the newest list of queues goes into the query; a name that no queue has is refused with the nearest."""
    assert "first: resumable backfill queues" in cli(*PLAN, "--queue", "Support").stderr
    assert cli("backfill", "queues", "--job", "q").code == 0
    queue = next(cli.job("q").records())
    outcome = cli("backfill", "conversations", *RANGE, "--queue", queue["name"].upper(), "--job", "by-name")
    assert outcome.code == 0, outcome.stderr
    assert f"--queue {queue['name'].upper()}: {queue['id']}" in outcome.stderr
    assert cli("backfill", "conversations", *RANGE, "--queue", queue["id"], "--job", "by-name").code == 0
    wrong = cli(*PLAN, "--queue", queue["name"][:-1])
    assert wrong.code == 2
    assert f"did you mean {queue['name']}" in wrong.stderr


def test_nothing_found_can_be_told_from_success(cli: CommandLine) -> None:
    """With --fail-if-empty a complete job without a record ends with 10, each time, and says what to look at."""
    cli.sim.switch(records=0)
    command = ("backfill", "conversations", *RANGE, "--job", "j")
    assert cli(*command).code == 0
    for _ in range(2):
        empty = cli(*command, "--fail-if-empty")
        assert empty.code == 10
        assert "no data found" in empty.stderr
        assert "divisions" in empty.stderr
