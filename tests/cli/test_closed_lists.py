"""A slip in a filter is named: the server would find nothing, and say nothing."""

import json
from typing import Any

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.world.organisation import SimulatedList
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


def test_a_metric_and_a_dimension_are_those_of_aggregates(cli: CommandLine) -> None:
    """Of long lists the nearest is named, and some that are usual; case does not count."""
    plan = ("plan", "conversations-pagecount", *RANGE)
    assert cli(*plan, "--group-by", "queueid", "--metric", "nconnected").code == 0
    wrong = cli(*plan, "--group-by", "queue")
    assert wrong.code == 2
    assert "such as queueId, userId" in wrong.stderr
    wrong = cli(*plan, "--metric", "tAbandoned")
    assert wrong.code == 2
    assert "did you mean tAbandon." in wrong.stderr


def test_a_queue_is_looked_up_at_the_server_where_no_list_is_there(cli: CommandLine) -> None:
    """One small request finds the id of a name, a name in another case is found in the list, and an id is not asked."""
    queue = _queues(cli)[2]
    asked = cli.sim.log.count(Kind.QUEUES)
    for typed in (queue["name"], queue["name"].upper()):
        outcome = cli(*PLAN, "--queue", typed)
        assert outcome.code == 0, outcome.stderr
        assert f"--queue {typed}: {queue['id']}" in outcome.stderr
    assert cli.sim.log.count(Kind.QUEUES) == asked + 1 + 2
    assert cli(*PLAN, "--queue", queue["id"]).code == 0
    assert cli.sim.log.count(Kind.QUEUES) == asked + 3


def test_a_queue_that_the_server_does_not_know_is_refused(cli: CommandLine) -> None:
    """The nearest name is named, nothing is downloaded, and no job is left behind."""
    name = _queues(cli)[0]["name"]
    wrong = cli("backfill", "conversations", *RANGE, "--queue", name[:-1])
    assert wrong.code == 2
    assert f"did you mean {name}." in wrong.stderr
    assert not list(cli.state.glob("conversations*"))


@pytest.mark.parametrize(
    ("status", "code", "said"), [(403, 4, "Routing > Queue > View is missing"), (404, 0, "not an id")]
)
def test_a_server_that_does_not_list_queues(cli: CommandLine, status: int, code: int, said: str) -> None:
    """A missing permission ends with 4 and names it; where there is no such list, the text goes as it is."""
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=status, times=None, on=Match(kinds=(Kind.QUEUES,))))
    outcome = cli(*PLAN, "--queue", "Support EN")
    assert outcome.code == code
    assert said in outcome.stderr


def _queues(cli: CommandLine) -> list[dict[str, Any]]:
    return [json.loads(each) for each in cli.sim.world.organisation.entities(SimulatedList.QUEUES)]


def test_a_queue_is_found_by_its_name_once_the_list_is_there(cli: CommandLine) -> None:
    """The id of the newest list of queues goes into the query; a name that no queue has is refused with the nearest."""
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
