"""`--each`: whose ids a dataset asks for, one by one, at the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.simulator.simulator import Simulator
from tests.support.command_line import CommandLine


@pytest.fixture
def served(simulated: Callable[..., Simulator], tmp_path: Path) -> CommandLine:
    """Return a command line with a simulator of five queues."""
    return CommandLine(sim=simulated(queues=5, users=12), state=tmp_path / "state")


def test_the_newest_list_a_job_a_file_and_an_id_say_whose(served: CommandLine, tmp_path: Path) -> None:
    """Without a list nothing is asked; what is typed wins; the same command carries on the same job."""
    nothing = served("backfill", "queue-members")
    assert nothing.code == 2
    assert "resumable backfill queues" in nothing.stderr
    assert not [entry for entry in served.sim.log if "members" in entry.path]
    assert served("backfill", "queues", "--job", "q").code == 0
    all_of_them = served("backfill", "queue-members", "--job", "m", "--json")
    assert all_of_them.code == 0, all_of_them.stderr
    assert "one request for each of 5 ids of job q" in all_of_them.stderr
    assert all_of_them.json["records"] == len(list(served.sim.truth(None, dataset="queue-members")))
    sent = len(served.sim.log)
    assert served("backfill", "queue-members", "--job", "m").code == 0
    assert served("backfill", "queue-members", "--job", "m", "--each", "q").code == 0
    assert len(served.sim.log) == sent
    ids = served.sim.world.organisation.queue_ids
    (tmp_path / "ids.txt").write_text("\n".join([*ids[:2], "", ids[0]]))
    for typed, count in ((f"@{tmp_path / 'ids.txt'}", 2), (ids[3], 1)):
        some = served("backfill", "queue-members", "--job", f"m{count}", "--each", typed)
        assert some.code == 0, some.stderr
        assert len([entry for entry in served.sim.log if "members" in entry.path]) == 5 + (2 if count == 2 else 3)
    other = served("backfill", "queue-members", "--job", "m", "--each", ids[3])
    assert other.code == 2
    assert "5 ids" in other.stderr
    assert ids[3] not in other.stderr.partition("error:")[2]


@pytest.mark.parametrize("typed", ["@none.txt", "a/b", "a,b", ""])
def test_ids_that_no_request_could_hold_are_refused(served: CommandLine, typed: str) -> None:
    """A usage error, before anything is asked."""
    assert served("backfill", "queue-members", "--each", typed).code == 2
    assert served("backfill", "users", "--each", "x").code == 2
    assert len(served.sim.log) == 0
