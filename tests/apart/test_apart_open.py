"""Conversations that have not ended are counted, and stay within reach until they have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.apart.contracts import CONVERSATION_JOBS, CONVERSATIONS, Contract
from tests.apart.desk import Desk, MakeDesk
from tests.apart.judge import exported
from tests.apart.truth import World

AT = datetime(2023, 10, 6, tzinfo=UTC)
BOTH = pytest.mark.parametrize("contract", [CONVERSATIONS, CONVERSATION_JOBS], ids=lambda contract: contract.name)
LATER = 20
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
    """A later run with --look-back 4d brings the end of a conversation that began twenty days ago."""
    desk = desk_at(World(open_conversations=2, days=3 + LATER, conversations=3), at=AT)
    assert _job(desk, contract, 4) == 0
    assert len(_open(desk)) == 2
    desk.wire.cloud.world = desk.wire.cloud.jobs.world = World(days=3 + LATER, conversations=3)
    assert _job(desk, contract, 3 + LATER, later=timedelta(days=LATER)) == 0
    assert _open(desk) == []
    assert desk.status("j")["open_records"] == 0


def _open(desk: Desk) -> list[dict[str, Any]]:
    return [record for record in exported(desk) if not record.get("conversationEnd")]
