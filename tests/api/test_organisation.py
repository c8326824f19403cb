"""Whose data an API serves: two organisations are told apart by whatever the server says."""

from pathlib import Path

import pytest

from resumable.api.organisation import foreign, identify, same, told_locally
from resumable.api.session import open_session
from resumable.clock import Stop
from resumable.datasets.resolve import get
from resumable.errors import ExitCode
from resumable.models import Organisation
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.text import described
from tests.support.builders import MemoryJournal, virtual_settings
from tests.support.clock import VirtualClock

HERE = "https://api.here.example"
KNOWN = Organisation(origin=HERE, id="1f0c", name="Acme", client="aa")


def asked(sim: Simulator, tmp_path: Path) -> Organisation:
    """Ask a simulator whose data it serves."""
    clock, contract = VirtualClock(), get("conversations")
    settings = virtual_settings(sim, clock, tmp_path)
    with open_session(contract, settings, stop=Stop(clock), journal=MemoryJournal()) as client:
        return identify(client, contract, settings)


def test_the_server_is_asked_by_one_request(tmp_path: Path) -> None:
    """Id and name are the server's own; two seeds are two organisations, and no client id is shown."""
    one, other = Simulator(SimSettings(seed=1)), Simulator(SimSettings(seed=2))
    first, second = asked(one, tmp_path), asked(other, tmp_path)
    assert (first.name, second.name) == ("Simulated Support", "Simulated Support")
    assert first.id is not None
    assert first.id != second.id
    assert one.log.count(Kind.ORGANISATION) == 1
    assert "simulator-client" not in repr(first)
    assert same(first, second) is None


@pytest.mark.parametrize(
    "fault",
    [
        SimFault(kind=FaultKind.STATUS, status=403, on=Match(kinds=(Kind.ORGANISATION,)), times=None),
        SimFault(kind=FaultKind.STATUS, status=404, on=Match(kinds=(Kind.ORGANISATION,)), times=None),
        SimFault(kind=FaultKind.STATUS, status=500, on=Match(kinds=(Kind.ORGANISATION,)), times=None),
        SimFault(kind=FaultKind.HTML, status=200, on=Match(kinds=(Kind.ORGANISATION,)), times=None),
        SimFault(kind=FaultKind.EMPTY, on=Match(kinds=(Kind.ORGANISATION,)), times=None),
    ],
    ids=["a 403", "a 404", "a 500", "a page of a proxy", "nothing"],
)
def test_where_the_server_does_not_say_origin_and_client_have_to_do(fault: SimFault, tmp_path: Path) -> None:
    """The run is not ended by it."""
    sim = Simulator(SimSettings())
    sim.inject(fault)
    found = asked(sim, tmp_path)
    assert found.id is None
    assert found == told_locally(get("conversations"), virtual_settings(sim, VirtualClock(), tmp_path))


def test_two_ids_decide_whatever_the_origin() -> None:
    """A gateway or a new client of the same organisation is the same organisation; another id never is."""
    moved = Organisation(origin="https://gateway.example", id="1f0c", name="Acme Ltd", client="bb")
    assert same(KNOWN, moved) == moved
    assert same(KNOWN, Organisation(origin=HERE, id="77aa", client="aa"), confirmed=True) is None


def test_without_ids_origin_and_client_decide_unless_the_user_confirms() -> None:
    """What was known stays known, and what is new is added."""
    silent = Organisation(origin=HERE, client="aa")
    assert same(KNOWN, silent) == KNOWN
    assert same(silent, KNOWN) == KNOWN
    other = Organisation(origin=HERE, client="bb")
    assert same(KNOWN, other) is None
    assert same(KNOWN, other, confirmed=True) == Organisation(origin=HERE, id="1f0c", name="Acme", client="bb")
    assert same(silent, Organisation(origin="https://else.example", client="aa")) is None


def test_the_refusal_names_both_and_what_to_type() -> None:
    """Where ids decide there is nothing to confirm."""
    sure = foreign("j", KNOWN, Organisation(origin=HERE, id="77aa", name="Beta", client="aa"))
    assert sure.exit_code is ExitCode.USAGE
    assert "Acme (1f0c" in sure.message
    assert "Beta (77aa" in sure.message
    assert "--same-organisation" not in sure.hint
    unsure = foreign("j", KNOWN, Organisation(origin=HERE, client="bb"))
    assert "--same-organisation" in unsure.hint
    assert described(Organisation(origin=HERE, client="bb")) in unsure.message
