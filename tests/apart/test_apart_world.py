"""The second server by itself, and every contract against it when nothing is wrong."""

import ast
import threading
from pathlib import Path

import pytest

from tests.apart.clock import JumpingClock
from tests.apart.cloud import Cloud
from tests.apart.contracts import ALL, CONVERSATION_JOBS, CONVERSATIONS, USER_DETAILS, Contract
from tests.apart.desk import MakeDesk
from tests.apart.exchange import Kind, Request
from tests.apart.judge import in_parts, wrong_with
from tests.apart.manners import Manners
from tests.apart.matrix import world_of
from tests.apart.script import instead
from tests.apart.truth import Range, World

SERVER = ("exchange", "truth", "script", "manners", "details", "lists", "jobs", "cloud", "wire")


def test_server_imports_nothing_of_the_product() -> None:
    """The second server stands on the standard library and on itself."""
    allowed = {f"tests.apart.{name}" for name in SERVER}
    for module in SERVER:
        tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8"))
        names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        foreign = [name for name in names if name.startswith(("resumable", "tests")) and name not in allowed]
        assert foreign == [], module


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_every_contract_brings_what_a_healthy_server_has(desk_at: MakeDesk, contract: Contract) -> None:
    """With nothing wrong, one run of each contract ends with exit 0 and all records, value for value."""
    desk = desk_at(world_of(contract))
    outcome = desk(*contract.arguments())
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, contract) == ""


@pytest.mark.parametrize("contract", [CONVERSATIONS, USER_DETAILS], ids=lambda contract: contract.name)
def test_null_past_the_end_is_the_end(desk_at: MakeDesk, contract: Contract) -> None:
    """A day without records is complete, whether the records' key is absent or null."""
    for null in (False, True):
        world = World(name=f"Empty {null}", empty_days=(1,), documents=1, users_a_day=25)
        desk = desk_at(world, Manners(null_past_end=null))
        outcome = desk(*contract.arguments(job=f"j{null}"))
        assert outcome.code == 0, outcome.stderr
        assert wrong_with(desk, contract, job=f"j{null}") == ""


def test_judge_sees_a_record_that_is_missing(desk_at: MakeDesk) -> None:
    """The judge is no better than this: one record more on the server than in the parts is named."""
    desk = desk_at(World(conversations=25))
    assert desk(*CONVERSATIONS.arguments()).code == 0
    desk.wire.cloud.world = World(conversations=26)
    assert "3 of 78 missing" in wrong_with(desk, CONVERSATIONS)
    assert in_parts(desk, CONVERSATIONS).total() == 75


def test_script_changes_the_answer_that_it_is_told_to() -> None:
    """A rule changes the n-th answer of a kind, so many times; the others and all others after that are right."""
    cloud = Cloud(World())
    cloud.script.add(instead({"maintenance": True}), kind=Kind.TICKETS, page="middle", nth=2, times=2)
    body = b'{"created": {"after": "2023-10-01", "before": "2023-10-02"}, "page": 2, "per_page": 10}'
    request = Request(method="POST", target="/api/v1/tickets/search", body=body)
    said = ["maintenance" in cloud.handle(request).body for _ in range(5)]
    assert said == [False, True, True, False, False]
    assert [entry.scripted for entry in cloud.asked(Kind.TICKETS)] == said


def test_conversations_belong_to_the_day_on_which_they_began() -> None:
    """Days are disjoint for a details query, and overlap by lifetime for a job that does not ask otherwise."""
    world = World()
    first, second = (Range.of(f"2023-10-0{day}T00:00:00Z/2023-10-0{day + 1}T00:00:00Z") for day in (1, 2))
    of_first = {one["conversationId"] for one in world.conversations_of(first)}
    assert len(of_first) == 25
    assert not of_first & {one["conversationId"] for one in world.conversations_of(second)}
    assert len(of_first & {one["conversationId"] for one in world.conversations_of(second, by_lifetime=True)}) == 1


def test_job_pages_end_without_a_cursor(desk_at: MakeDesk) -> None:
    """A job is submitted with 202, looked at until it is done, read along cursors that end in `=`, and deleted."""
    desk = desk_at(manners=Manners(polls=2))
    assert desk(*CONVERSATION_JOBS.arguments(days=1)).code == 0
    cloud = desk.wire.cloud
    assert [entry.status for entry in cloud.asked(Kind.CONVERSATION_SUBMIT)] == [202]
    assert len(cloud.asked(Kind.CONVERSATION_POLL)) >= 3
    assert [("%3D" in entry.target) for entry in cloud.asked(Kind.CONVERSATION_RESULTS)] == [False, True, True]
    assert [entry.status for entry in cloud.asked(Kind.CONVERSATION_DELETE)] == [204]
    assert cloud.jobs.open == []


def test_clock_jumps_only_over_waits() -> None:
    """An hour of waiting passes at once, and a thread that works holds the time still."""
    clock = JumpingClock()
    condition, waited = threading.Condition(), []

    def wait() -> None:
        with condition:
            begun = clock.monotonic()
            clock.wait(condition, 3600)
            waited.append(clock.monotonic() - begun)

    clock.run_threads(wait, ["one", "two"])
    assert all(3600 <= seconds < 3700 for seconds in waited)
