"""What a server may choose is bounded where it is read: counts, ids, cursors, times."""

import json
from typing import Any

import pytest

from resumable.datasets.contract import JobContract, PagedContract, checked
from resumable.datasets.resolve import get
from resumable.errors import ProtocolFault
from resumable.models import MOST_PAGES
from resumable.redaction import Redactor

NO_COUNTS = (-1, -5, -(2**63), 2**62, 2**63, 2**64, 10**19, 10**400, True, 1.5, "3", [1], {"a": 1})


def list_answer(**changes: object) -> dict[str, Any]:
    """Return a page of a list, with some members changed."""
    return {"entities": [{"id": "u1"}], "pageCount": 3, "pageNumber": 1, "pageSize": 1, "total": 3, **changes}


def read_page(dataset: str, answer: object, *, size: int = 1) -> None:
    """Read and check the first page."""
    contract: PagedContract = get(dataset)  # type: ignore[assignment]  # the caller names a paged one
    checked(contract.read(json.dumps(answer).encode(), size, Redactor()), 1)


@pytest.mark.parametrize("name", ["pageCount", "pageNumber", "pageSize", "total"])
@pytest.mark.parametrize("value", NO_COUNTS, ids=lambda value: str(value)[:30])
def test_a_count_of_a_list_out_of_range_is_a_fault(name: str, value: object) -> None:
    """Negative, beyond 2^62 or no whole number: refused before it could reach a row."""
    with pytest.raises(ProtocolFault, match=name):
        read_page("users", list_answer(**{name: value}))


@pytest.mark.parametrize("value", NO_COUNTS, ids=lambda value: str(value)[:30])
def test_a_total_or_page_count_of_details_out_of_range_is_a_fault(value: object) -> None:
    """The same for the public query and the article's contract."""
    record = {"conversationId": "c", "conversationStart": "2023-10-01T00:00:00.000Z"}
    with pytest.raises(ProtocolFault, match="totalHits"):
        read_page("conversations", {"conversations": [record], "totalHits": value})
    for name in ("pageCount", "pageSize", "pageNumber"):
        paging = {"pageCount": 1, "pageNumber": 1, "pageSize": 1, name: value}
        with pytest.raises(ProtocolFault, match=name):
            read_page("conversations-pagecount", {"entities": [record], "paging": paging})


def test_a_total_that_makes_too_many_pages_is_a_fault() -> None:
    """The name of a part has ten digits: a total of 10^12 in pages of one is no snapshot."""
    record = {"conversationId": "c", "conversationStart": "2023-10-01T00:00:00.000Z"}
    with pytest.raises(ProtocolFault, match="pages"):
        read_page("conversations", {"conversations": [record], "totalHits": MOST_PAGES + 1})


BAD_IDS: tuple[object, ...] = (
    "..",
    ".",
    "",
    "a/b",
    "a\\b",
    "a b",
    "a\nb",
    "\x00",
    "é",
    "a?b",
    "a#b",
    "%2e%2e",
    "-x",
    "x" * 201,
    42,
    None,
    [],
)


@pytest.mark.parametrize("value", BAD_IDS, ids=ascii)
@pytest.mark.parametrize("dataset", ["conversation-jobs", "user-detail-jobs"])
def test_an_id_that_is_none_is_a_fault(dataset: str, value: object) -> None:
    """It would become a piece of a path and a row: what is neither is refused where it is read."""
    contract: JobContract = get(dataset)  # type: ignore[assignment]  # they are by jobs
    with pytest.raises(ProtocolFault, match="jobId"):
        contract.read_id(json.dumps({"jobId": value}).encode())


def test_ids_as_servers_make_them_are_taken() -> None:
    """UUIDs, numbers as text, and what base64 for URLs makes."""
    contract: JobContract = get("conversation-jobs")  # type: ignore[assignment]  # it is by jobs
    for value in ("0b7d6fbe-8c5e-4a9b-9b0c-0c2d9a6f6c11", "42", "job_1~a.b:c=", "x" * 200):
        assert contract.read_id(json.dumps({"jobId": value}).encode()) == value


@pytest.mark.parametrize(
    "value", ["x" * 4097, "a\nb", "\x00", "a\x7fb", "\ud800", 7, True, ["c"]], ids=lambda v: ascii(v)[:20]
)
def test_a_cursor_that_no_request_could_hold_is_a_fault(value: object) -> None:
    """It is refused before the page is recorded with it: no later run would get past it."""
    contract: JobContract = get("conversation-jobs")  # type: ignore[assignment]  # it is by jobs
    with pytest.raises(ProtocolFault, match="cursor"):
        contract.read_results(json.dumps({"conversations": [], "cursor": value}).encode(), Redactor())


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2023-02-30", "soon", 5])
def test_a_time_outside_of_the_calendar_is_a_fault(value: object) -> None:
    """Moved to UTC it has no year."""
    contract: JobContract = get("conversation-jobs")  # type: ignore[assignment]  # it is by jobs
    with pytest.raises(ProtocolFault, match="dataAvailabilityDate"):
        contract.read_availability(json.dumps({"dataAvailabilityDate": value}).encode())
