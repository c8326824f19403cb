"""An answer is a page only if it is one: what has no records must claim that, and speak of no error."""

import json
from typing import Any

import pytest

from resumable.datasets.contract import Answer, checked
from resumable.datasets.details_job import DetailsJob
from resumable.datasets.resolve import get
from resumable.errors import NoRecords, ProtocolFault
from resumable.redaction import Redactor, Secret

ERROR = {"message": "An internal error occurred.", "code": "internal.server.error", "status": 500, "contextId": "c"}
NO_PAGES: dict[str, dict[str, Any]] = {
    "an error": ERROR,
    "nothing": {},
    "a message": {"message": "Your request is being processed.", "status": 202},
    "maintenance": {"maintenance": True},
    "a problem in detail": {"type": "about:blank", "title": "Internal Server Error", "detail": "It failed."},
    "a gateway's": {"Message": "Endpoint request timed out"},
    "another list": {"results": []},
}
JOBS = ("conversation-jobs", "user-detail-jobs")
KEYS = {"conversation-jobs": "conversations", "user-detail-jobs": "userDetails"}


def results(dataset: str, body: dict[str, Any]) -> Answer:
    """Read an answer as a job's results."""
    contract = get(dataset)
    assert isinstance(contract, DetailsJob)
    return contract.read_results(json.dumps(body).encode(), Redactor())


def page(dataset: str, body: dict[str, Any]) -> Answer:
    """Read an answer as the first page of a contract whose pages have numbers."""
    contract: Any = get(dataset)
    return checked(contract.read(json.dumps(body).encode(), 100, Redactor()), 1)


@pytest.mark.parametrize("dataset", JOBS)
@pytest.mark.parametrize("body", NO_PAGES)
def test_results_that_are_no_page_are_a_fault(dataset: str, body: str) -> None:
    """Whatever comes with a 200 in place of results, it is no empty window."""
    with pytest.raises(ProtocolFault):
        results(dataset, NO_PAGES[body])


@pytest.mark.parametrize("dataset", JOBS)
@pytest.mark.parametrize("body", ["an error", "a message", "maintenance", "a problem in detail", "a gateway's"])
def test_an_error_beside_an_empty_list_is_a_fault(dataset: str, body: str) -> None:
    """The key alone does not make a page of what speaks of an error."""
    with pytest.raises(ProtocolFault, match="speaks of an error"):
        results(dataset, {KEYS[dataset]: [], **NO_PAGES[body]})


@pytest.mark.parametrize("dataset", JOBS)
def test_an_empty_list_of_results_is_an_empty_page(dataset: str) -> None:
    """The key is there, and nothing else."""
    assert results(dataset, {KEYS[dataset]: [], "dataAvailabilityDate": "2023-10-09T00:00:00Z"}).rows == 0


def test_a_total_of_0_is_how_users_details_say_nothing() -> None:
    """The contract documents it, and conversations' results have no total."""
    assert results("user-detail-jobs", {"totalHits": 0}).rows == 0
    assert page("user-details", {"totalHits": 0}).rows == 0
    with pytest.raises(ProtocolFault):
        results("user-detail-jobs", {"totalHits": 5})
    with pytest.raises(ProtocolFault):
        results("conversation-jobs", {"totalHits": 0})


@pytest.mark.parametrize("dataset", ["conversations", "user-details", "users", "queues", "conversations-pagecount"])
def test_counts_of_0_beside_an_error_are_no_empty_window(dataset: str) -> None:
    """A count does not make a page of what speaks of an error."""
    count = {"totalHits": 0, "total": 0, "pageCount": 0, "paging": {"pageCount": 0}}
    key = {"conversations": "conversations", "user-details": "userDetails"}.get(dataset, "entities")
    assert page(dataset, {key: [], **count}).rows == 0
    with pytest.raises(ProtocolFault, match="speaks of an error"):
        page(dataset, {key: [], **count, **ERROR})


def test_a_list_without_its_key_is_no_empty_list() -> None:
    """Lists document no absence."""
    with pytest.raises(ProtocolFault, match="entities is missing"):
        page("users", {"total": 0, "pageCount": 0, "pageNumber": 1, "pageSize": 100})


def test_the_whole_answer_is_kept_without_its_secrets() -> None:
    """What was no page can be looked at, whole, and shows no credential."""
    redactor = Redactor()
    redactor.keep(Secret("hunter2-secret"))
    body = json.dumps({"paging": {"pageCount": 2}, "note": "x" * 500 + " hunter2-secret the end"}).encode()
    contract: Any = get("conversations-pagecount")
    with pytest.raises(ProtocolFault) as raised:
        contract.read(body, 100, redactor)
    assert raised.value.answer is not None
    assert "the end" in raised.value.answer
    assert "hunter2" not in raised.value.answer
    assert not isinstance(raised.value, NoRecords)


@pytest.mark.parametrize("key", [None, "", {}, [], 1.5, True])
def test_a_record_that_names_no_key_makes_no_page(key: object) -> None:
    """What the API itself lists has an id: an answer without one is asked for again."""
    body = {"conversations": [{"conversationId": "a"}, {"conversationId": key}], "totalHits": 2}
    with pytest.raises(ProtocolFault, match="1 of 2 records have no usable conversationId"):
        page("conversations", body)
    with pytest.raises(ProtocolFault, match="no usable id"):
        page("users", {"entities": [{"id": key}], "pageCount": 1, "pageSize": 100, "pageNumber": 1, "total": 1})
