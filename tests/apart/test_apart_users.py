"""Users' details are documents, grouped by user: every period comes once, whoever and wherever it is listed."""

import pytest

from tests.apart.contracts import USER_DETAIL_JOBS, USER_DETAILS, Contract
from tests.apart.desk import MakeDesk
from tests.apart.exchange import Kind
from tests.apart.judge import wrong_with
from tests.apart.truth import World

BOTH = pytest.mark.parametrize("contract", [USER_DETAILS, USER_DETAIL_JOBS], ids=lambda contract: contract.name)
REPEATED = World(users=30, users_a_day=20, documents=3)
"""60 documents a day of 20 users: of pages of 10, most users end one and begin the next."""
IN_ORDER_OF_TIME = World(users=30, users_a_day=20, documents=3, time_ordered=True)
"""Every user is on two pages or three."""


@BOTH
@pytest.mark.parametrize("world", [REPEATED, IN_ORDER_OF_TIME], ids=["by user", "by time"])
def test_every_period_is_exported_once(desk_at: MakeDesk, contract: Contract, world: World) -> None:
    """A user on several pages keeps the periods of each of them."""
    desk = desk_at(world)
    outcome = desk(*contract.arguments())
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, contract) == ""


@BOTH
@pytest.mark.parametrize("world", [REPEATED, IN_ORDER_OF_TIME], ids=["by user", "by time"])
def test_nothing_is_taken_again_for_what_is_normal(desk_at: MakeDesk, contract: Contract, world: World) -> None:
    """Users who repeat over pages, and totals that count documents, cost no request."""
    desk = desk_at(world)
    assert desk(*contract.arguments()).code == 0
    # Three days of six pages.
    assert len(desk.wire.cloud.asked(contract.page)) == 18
    assert len(desk.wire.cloud.asked(Kind.USER_SUBMIT)) == (3 if contract is USER_DETAIL_JOBS else 0)


@BOTH
def test_day_without_documents_is_complete(desk_at: MakeDesk, contract: Contract) -> None:
    """`{"totalHits": 0}` without the records' key is an empty day."""
    desk = desk_at(World(empty_days=(0, 1, 2)))
    outcome = desk(*contract.arguments())
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, contract) == ""
