"""Descriptions of what takes more than one kind of request: one for each id, and jobs on the server."""

from pathlib import Path
from typing import Any

import pytest

from resumable import Incomplete, Interrupted, JobState, UsageError
from resumable.errors import ProtocolFault
from tests.support.described_forms import Script, made, read, records
from tests.support.described_jobs import stopping_at
from tests.support.ticket_server import serving

MEMBERS = """
[dataset]
name = "members"
token = "none"
[request]
path = "/queues/{each}/members"
params = { page = "{page}", size = "{page_size}" }
[each]
column = "queueId"
missing = "skipped"
[answer]
records = "entities"
page_count = "pageCount"
[record]
key = ["queueId", "id"]
[schema]
id = "text"
"""
AUDITS = """
[dataset]
name = "audited"
token = "none"
[request]
method = "POST"
path = "/audits"
body = { interval = "{from}/{to}" }
[server_job]
id = "id"
poll = "/audits/{job}"
state = "state"
message = "why"
waiting = ["Queued"]
ready = ["Succeeded"]
failed = ["Failed"]
results = "/audits/{job}/results"
params = { cursor = "{cursor}", size = "{page_size}" }
[paging]
style = "cursor"
[answer]
records = "entities"
next_cursor = "cursor"
[record]
key = "id"
[schema]
id = "text"
"""


QUEUES = {"q1": ["a", "b", "c"], "q2": [], "q3": ["a"]}


def members(asked: dict[str, Any]) -> Any:  # noqa: ANN401 - any answer
    """Answer a page of the members of a queue; a fourth queue is gone."""
    queue, page = asked["path"].split("/")[2], int(asked["params"]["page"])
    if queue not in QUEUES:
        return 404, {"code": "not.found", "status": 404, "message": "no such queue"}
    found = QUEUES[queue]
    return {"entities": [{"id": each} for each in found[2 * page - 2 : 2 * page]], "pageCount": -(-len(found) // 2)}


def test_there_is_a_row_of_pages_for_each_id_and_a_stopped_job_goes_on_in_its_middle(tmp_path: Path) -> None:
    """Every id is asked for, page by page; one without records and one that is gone have none; nothing comes twice."""
    with serving(Script(reply=members)) as server:
        job = made(MEMBERS, server, tmp_path, each=("q0", "q1", "q2", "q3"))
        with pytest.raises(Interrupted):
            job.run(stop=stopping_at(4, server))
        assert job.run().state is JobState.COMPLETE
        assert [record["_key"] for record in records(job)] == ['["q1","a"]', '["q1","b"]', '["q1","c"]', '["q3","a"]']
        assert [event.text for event in job.status().events if "the server knows no q0" in event.text]
        once = [(asked["path"], asked["params"]["page"]) for asked in server.asked]
        assert len(once) - len(set(once)) <= 1  # the page that was in flight when it was stopped


@pytest.mark.parametrize(
    "body",
    [
        {"entities": [], "pageCount": 3},
        {"entities": [{"id": "x"}]},
        {"entities": [{"id": "x", "queueId": "another"}], "pageCount": 1},
        {"pageCount": 1},
        {"entities": [{"id": "x"}], "pageCount": -1},
    ],
    ids=["pages without records", "no count", "another id", "no list", "a count that is none"],
)
def test_an_answer_about_an_id_that_is_none_is_refused(body: object) -> None:
    """An id that is not answered is missing, and is not passed over."""
    with pytest.raises(ProtocolFault):
        read(MEMBERS, body)


@pytest.mark.parametrize("body", [{"message": "nginx"}, []], ids=["a gateway's", "no object"])
def test_only_the_apis_own_404_says_that_an_id_is_gone(body: object, tmp_path: Path) -> None:
    """Any other keeps the job open, and a healthy server finishes it."""
    with serving(Script(reply=lambda asked: (404, body) if "q2" in asked["path"] else members(asked))) as server:
        job = made(MEMBERS, server, tmp_path, each=("q1", "q2", "q3"))
        with pytest.raises(Incomplete):
            job.run()
        server.reply = members
        assert job.run().state is JobState.COMPLETE
        assert len(records(job)) == 4


def test_without_ids_nothing_is_asked(tmp_path: Path) -> None:
    """A job that has a request for each id and no id is a usage error."""
    with serving(Script(reply=members)) as server:
        with pytest.raises(UsageError, match="no ids to ask for"):
            made(MEMBERS, server, tmp_path).run()
        assert server.asked == []


def audits(states: list[str]) -> Script:
    """Return a server of jobs, a window one, that have these states one after the other."""
    left: dict[str, list[str]] = {}

    def reply(asked: dict[str, Any]) -> Any:  # noqa: ANN401 - any answer
        parts = asked["path"].split("/")[2:]
        if not parts:
            job = f"job-{len(left)}"
            left[job] = [*states]
            return 202, {"id": job, "state": "Queued"}
        if len(parts) == 1:
            return {"state": left[parts[0]].pop(0) if len(left[parts[0]]) > 1 else left[parts[0]][0], "why": "because"}
        if asked["params"].get("cursor") == "c":
            return {"entities": [{"id": f"{parts[0]}-3"}]}
        return {"entities": [{"id": f"{parts[0]}-1"}, {"id": f"{parts[0]}-2"}], "cursor": "c"}

    return Script(reply=reply)


def test_a_described_job_on_the_server_is_submitted_polled_and_read(tmp_path: Path) -> None:
    """Each window is a job on the server, its results come along the cursor, and nothing is deleted."""
    with serving(audits(["Succeeded"])) as server:
        job = made(AUDITS, server, tmp_path)
        assert job.run().state is JobState.COMPLETE
        assert len(records(job)) == 6
        assert {asked["method"] for asked in server.asked} == {"GET", "POST"}


@pytest.mark.parametrize("states", [["Maintenance"], [""], ["Failed"]], ids=["unknown", "empty", "failed"])
def test_a_described_job_that_never_is_ready_is_not_read(states: list[str], tmp_path: Path) -> None:
    """A state that is not described is no state; a job that failed brings nothing."""
    with serving(audits(states)) as server:
        job = made(AUDITS, server, tmp_path)
        with pytest.raises(Incomplete):
            job.run()
        assert not any("results" in path for path in server.paths)
