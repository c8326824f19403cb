"""Described endpoints whose pages follow a cursor, with no job on the server behind it."""

from pathlib import Path
from typing import Any

import pytest

from resumable import Incomplete, Interrupted, StorageFailed, UsageError
from resumable.manifest.rows import WindowRow
from resumable.manifest.store import Manifest
from tests.support.described_jobs import CURSOR, assert_truth, made, stopping_at
from tests.support.ticket_server import Tickets


def test_a_cursor_is_walked_and_resumed_in_its_middle(server: Tickets, tmp_path: Path) -> None:
    """Pages along a cursor come one after the other, and a stopped walk goes on where it was."""
    server.token = None
    job = made(CURSOR, server, tmp_path, page_size=2)
    with pytest.raises(Interrupted):
        job.run(stop=stopping_at(9, server))
    assert job.status().totals.pages_done > 0
    job.run()
    assert_truth(job, server)
    pages = [(asked["params"]["since"], asked["params"].get("after")) for asked in server.asked[2:]]
    assert len(set(pages)) == 31
    # One day holds nothing, and the days beside it do: it is asked for a second time.
    assert len(pages) == 31 + 1
    assert not any(asked["params"].get("after") == "" for asked in server.asked)


def test_a_page_of_a_walk_that_is_written_and_not_recorded_is_adopted(
    server: Tickets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk that was killed between a part and its row takes the part for what it is, and goes on behind it."""
    server.token = None
    job = made(CURSOR, server, tmp_path, page_size=2)
    calls = iter(range(100))
    record = Manifest.cursor_page_done

    def killed(*given: Any, **more: Any) -> WindowRow:  # noqa: ANN401 - whatever the method takes
        if next(calls) == 7:
            raise StorageFailed("killed")
        return record(*given, **more)

    monkeypatch.setattr(Manifest, "cursor_page_done", killed)
    with pytest.raises(StorageFailed):
        job.run()
    monkeypatch.undo()
    status = job.run()
    assert "adopted" in {event.kind.value for event in status.events}
    assert_truth(job, server)
    pages = [(asked["params"]["since"], asked["params"].get("after")) for asked in server.asked[2:]]
    assert len(set(pages)) == 31
    # One day holds nothing, and the days beside it do: it is asked for a second time.
    assert len(pages) == 31 + 1


def test_a_cursor_that_has_expired_begins_its_window_again(server: Tickets, tmp_path: Path) -> None:
    """A cursor that the server knows no more costs one window, not the job."""
    server.token, server.refused = None, {"c4": 410}
    job = made(CURSOR, server, tmp_path, page_size=2)
    assert job.run().receipt["retakes"] == 1  # type: ignore[index]  # a complete job has one
    assert_truth(job, server)


def test_a_request_that_the_server_refuses_ends_the_run(server: Tickets, tmp_path: Path) -> None:
    """Where the first answer says that the request itself is wrong, the run ends as a usage error."""
    server.token, server.refused = None, {"": 400}
    with pytest.raises(UsageError, match="the server refuses this query"):
        made(CURSOR, server, tmp_path, page_size=2).run()


def test_a_cursor_may_end_with_an_empty_page(server: Tickets, tmp_path: Path) -> None:
    """A last page without records, and without a next one, ends a walk."""
    server.token = None

    def one_more(answer: dict[str, Any]) -> dict[str, Any]:
        full = len(answer["tickets"]) == 3 and answer["paging"]["after"] is None
        return answer | {"paging": {"after": "c6"}} if full else answer

    server.spoil = one_more
    job = made(CURSOR, server, tmp_path, page_size=3)
    job.run()
    assert_truth(job, server)


def test_an_answer_without_its_list_does_not_end_a_walk(server: Tickets, tmp_path: Path) -> None:
    """A page along a cursor that lists nothing at all is no page: it is not taken for the end."""
    server.token = None
    server.spoil = lambda answer: {"error": "try later"} if "after" in server.asked[-1]["params"] else answer
    with pytest.raises(Incomplete):
        made(CURSOR, server, tmp_path, page_size=3).run()
