"""Conversations that have not ended are counted, and stay within reach until they have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.apart.contracts import CONVERSATION_JOBS, CONVERSATIONS, Contract
from tests.apart.desk import Desk, MakeDesk
from tests.apart.exchange import Kind
from tests.apart.judge import exported, wrong_with
from tests.apart.script import instead
from tests.apart.truth import World

AT = datetime(2023, 10, 6, tzinfo=UTC)
BOTH = pytest.mark.parametrize("contract", [CONVERSATIONS, CONVERSATION_JOBS], ids=lambda contract: contract.name)
LATER = 10
"""Days after which the open conversations have ended: far outside --look-back."""


def _job(desk: Desk, contract: Contract, days: int, *, later: timedelta = timedelta()) -> int:
    return desk(*contract.arguments(days=days), "--look-back", "4d", later=later).code


@BOTH
def test_open_conversations_are_counted(desk_at: MakeDesk, contract: Contract) -> None:
    """`status --json` and the receipt say how many records have no end."""
    desk = desk_at(World(open_conversations=2))
    assert desk(*contract.arguments()).code == 0
    assert desk.status("j")["open_records"] == 2
    assert "open" in (desk.folder("j") / "receipt.json").read_text(encoding="utf-8")


@BOTH
def test_conversation_that_ends_weeks_later_is_exported_with_its_end(desk_at: MakeDesk, contract: Contract) -> None:
    """A later run with --look-back 4d brings the end of a conversation that began ten days before."""
    desk = desk_at(World(open_conversations=2, days=3 + LATER, conversations=3), at=AT)
    assert _job(desk, contract, 4) == 0
    assert len(_open(desk)) == 2
    desk.wire.cloud.world = desk.wire.cloud.jobs.world = World(days=3 + LATER, conversations=3)
    assert _job(desk, contract, 3 + LATER, later=timedelta(days=LATER)) == 0
    assert _open(desk) == []
    assert desk.status("j")["open_records"] == 0


def _open(desk: Desk) -> list[dict[str, Any]]:
    return [record for record in exported(desk) if not record.get("conversationEnd")]


def test_few_open_conversations_are_refreshed_by_id(desk_at: MakeDesk) -> None:
    """Where one request by id stands against several pages, only what had not ended is downloaded again."""
    world = World(open_conversations=2, days=3 + LATER, conversations=31)
    desk = desk_at(world, at=AT)
    assert _job(desk, CONVERSATIONS, 4) == 0
    pages = [entry for entry in desk.wire.cloud.asked(Kind.CONVERSATIONS) if entry.place.day == "2023-10-01"]
    desk.wire.cloud.world = World(days=3 + LATER, conversations=31)
    assert _job(desk, CONVERSATIONS, 3 + LATER, later=timedelta(days=LATER)) == 0
    assert len(desk.wire.cloud.asked(Kind.CONVERSATION_BY_ID)) == 1
    again = [entry for entry in desk.wire.cloud.asked(Kind.CONVERSATIONS) if entry.place.day == "2023-10-01"]
    assert len(pages) > 1
    assert again == pages
    assert _open(desk) == []
    assert wrong_with(desk, CONVERSATIONS, days=3 + LATER) == ""
    assert desk("verify", "j").code == 0


@pytest.mark.parametrize(
    "status", [pytest.param(403, marks=pytest.mark.long), 404, pytest.param(500, marks=pytest.mark.long)]
)
def test_where_nothing_is_had_by_id_the_window_is_downloaded_again(desk_at: MakeDesk, status: int) -> None:
    """A server that gives nothing by id costs a warning; the window is a new take of all its pages."""
    desk = desk_at(World(open_conversations=2, days=3 + LATER, conversations=31), at=AT)
    assert _job(desk, CONVERSATIONS, 4) == 0
    desk.wire.cloud.world = World(days=3 + LATER, conversations=31)
    refused = instead({"message": "no", "code": "no", "status": status}, status=status)
    desk.wire.cloud.script.add(refused, kind=Kind.CONVERSATION_BY_ID, times=None)
    assert _job(desk, CONVERSATIONS, 3 + LATER, later=timedelta(days=LATER)) == 0
    assert _open(desk) == []
    assert wrong_with(desk, CONVERSATIONS, days=3 + LATER) == ""


def test_open_conversations_are_left_after_open_for(desk_at: MakeDesk) -> None:
    """--open-for bounds how long windows with open conversations are downloaded again."""
    desk = desk_at(World(open_conversations=2, days=3 + LATER, conversations=3), at=AT)
    assert _job(desk, CONVERSATIONS, 4) == 0
    before = len(desk.wire.cloud.asked(Kind.CONVERSATIONS))
    words = [*CONVERSATIONS.arguments(days=4), "--look-back", "4d", "--open-for", "10d"]
    assert desk(*words, later=timedelta(days=LATER)).code == 0
    days = {entry.place.day for entry in desk.wire.cloud.asked(Kind.CONVERSATIONS)[before:]}
    assert "2023-10-01" not in days
    assert desk.status("j")["open_records"] == 2
