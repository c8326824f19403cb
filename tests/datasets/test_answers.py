"""What each contract believes of an answer: never a page with no records where there should be some."""

import json
from typing import Any

import pytest

from resumable.datasets.contract import Answer, checked
from resumable.datasets.resolve import get
from resumable.errors import PageBeyondEnd, ProtocolFault
from resumable.redaction import Redactor, Secret

RECORD = {"conversationId": "c1", "conversationStart": "2023-10-01T00:00:00.000Z"}


def read(dataset: str, answer: object, *, number: int = 1, size: int = 2) -> Answer:
    """Read an answer to the request for a page, and check it."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    contract = get(dataset)
    return checked(contract.read(body, size, Redactor()), number)  # type: ignore[union-attr]  # a paged contract


def article(records: object, page_count: object, page: object = 1) -> dict[str, Any]:
    """Return an answer of the contract with a page count."""
    return {"entities": records, "paging": {"pageCount": page_count, "pageNumber": page, "pageSize": 2}}


def test_the_page_count_of_the_public_contract_is_the_total_over_the_size() -> None:
    """Rounded up."""
    for total, pages in ((1, 1), (2, 1), (3, 2), (4, 2), (5, 3)):
        answer = read("conversations", {"conversations": [RECORD], "totalHits": total})
        assert (answer.said.page_count, answer.said.total, answer.rows) == (pages, total, 1)


@pytest.mark.parametrize("nothing", [{}, {"conversations": None}, {"conversations": []}], ids=str)
def test_an_empty_window_is_one_of_total_0(nothing: dict[str, Any]) -> None:
    """Absent, null and empty are the same beside a total of 0."""
    answer = read("conversations", {**nothing, "totalHits": 0})
    assert (answer.rows, answer.said.page_count) == (0, 0)


@pytest.mark.parametrize("nothing", [{}, {"conversations": None}, {"conversations": []}], ids=str)
def test_no_records_beside_a_total_are_a_fault(nothing: dict[str, Any]) -> None:
    """They are never a page done with 0 rows."""
    with pytest.raises(ProtocolFault, match=r"conversations is (missing|null|empty)"):
        read("conversations", {**nothing, "totalHits": 3})


BROKEN: dict[str, Any] = {
    "no total": {"conversations": [RECORD]},
    "a null total": {"conversations": [RECORD], "totalHits": None},
    "a negative total": {"conversations": [RECORD], "totalHits": -1},
    "a total that is text": {"conversations": [RECORD], "totalHits": "3"},
    "a total that is a fraction": {"conversations": [RECORD], "totalHits": 1.5},
    "a total that is true": {"conversations": [RECORD], "totalHits": True},
    "records beside a total of 0": {"conversations": [RECORD], "totalHits": 0},
    "records that are an object": {"conversations": {}, "totalHits": 1},
    "records that are text": {"conversations": "x", "totalHits": 1},
    "a record that is a number": {"conversations": [5], "totalHits": 1},
    "a record that is null": {"conversations": [None], "totalHits": 1},
    "null": None,
    "a list": [],
    "text": "x",
    "nothing": b"",
    "html": b"<html><body>Sign in</body></html>",
    "bad UTF-8": b'{"conversations": [{"conversationId": "\xff"}], "totalHits": 1}',
    "a BOM": b'\xef\xbb\xbf{"conversations": [], "totalHits": 0}',
    "NaN": b'{"conversations": [], "totalHits": NaN}',
    "duplicate keys": b'{"conversations": [], "totalHits": 0, "totalHits": 5}',
    "half an answer": b'{"conversations": [{"conversationId": "c1"',
    "two answers": b'{"totalHits": 0}{"totalHits": 0}',
    "a million brackets": b"[" * 1_000_000,
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_not_an_answer_of_the_contract_is_a_fault(what: str) -> None:
    """A protocol fault, never a page and never a crash."""
    with pytest.raises(ProtocolFault):
        read("conversations", BROKEN[what])


ARTICLE_BROKEN: dict[str, Any] = {
    "no entities": ({"paging": {"pageCount": 2, "pageNumber": 1}}, "entities is missing"),
    "null entities": (article(None, 2), "entities is null"),
    "empty entities": (article([], 2), "entities is empty"),
    "no paging": ({"entities": [RECORD]}, "names no page count"),
    "paging that is a list": ({"entities": [RECORD], "paging": []}, "names no page count"),
    "a negative count": (article([RECORD], -1), "pageCount is out of range"),
    "a count that is text": (article([RECORD], "2"), "pageCount is not a whole number"),
    "a count of 0 beside records": (article([RECORD], 0), "beside a page count of 0"),
    "another page": (article([RECORD], 5, 2), "asked for page 1, and the answer says it is page 2"),
}


@pytest.mark.parametrize("what", ARTICLE_BROKEN)
def test_the_contract_with_a_page_count_is_held_to_it(what: str) -> None:
    """Each way to be wrong is told in words."""
    answer, why = ARTICLE_BROKEN[what]
    with pytest.raises(ProtocolFault, match=why):
        read("conversations-pagecount", answer)


def test_a_page_count_of_0_is_an_empty_window_and_1_holds_everything() -> None:
    """With or without the entities key."""
    for nothing in (article([], 0), article(None, 0), {"paging": {"pageCount": 0}}):
        assert read("conversations-pagecount", nothing).rows == 0
    assert read("conversations-pagecount", article([RECORD], 1)).said.page_count == 1


def test_a_page_past_the_end_is_told_apart() -> None:
    """It is no fault of the answer: the snapshot has moved."""
    with pytest.raises(PageBeyondEnd) as caught:
        read("conversations", {"totalHits": 2}, number=2)
    assert caught.value.page_count == 1
    with pytest.raises(PageBeyondEnd):
        read("conversations", {"totalHits": 0}, number=2)
    assert read("conversations", {"totalHits": 0}, number=1).rows == 0


def test_a_list_uses_the_page_size_that_the_server_names() -> None:
    """Entity lists say count, size, number and total."""
    answer = {"entities": [{"id": "u1"}], "pageCount": 3, "pageNumber": 1, "pageSize": 1, "total": 3}
    said = read("users", answer).said
    assert (said.page_count, said.page_size, said.page_number, said.total) == (3, 1, 1, 3)


def test_a_body_is_told_by_its_start_and_without_secrets() -> None:
    """A fault carries up to 80 characters of the body, scrubbed, on one line."""
    redactor = Redactor()
    redactor.keep(Secret("canary-secret-1"))
    body = b"<html>\n canary-secret-1 Bearer abc.def " + b"x" * 500
    with pytest.raises(ProtocolFault) as caught:
        get("conversations").read(body, 2, redactor)  # type: ignore[union-attr]  # a paged contract
    assert "canary-secret-1" not in caught.value.reason
    assert "abc.def" not in caught.value.reason
    assert "\n" not in caught.value.reason
    assert len(caught.value.reason) < 250
