"""What the catalogue says of its datasets is what their requests and documents say."""

from typing import Any

import pytest

from resumable.datasets.catalogue import CATALOGUE
from resumable.datasets.described.endpoints import shipped_declaration
from resumable.datasets.resolve import get
from resumable.models import Interval, Query, moment_of
from tests.support.catalogue_table import README, written
from tests.support.command_line import CommandLine, Outcome

WINDOW = Interval(start=moment_of("2023-10-01T00:00:00Z"), end=moment_of("2023-10-02T00:00:00Z"))


@pytest.fixture
def listed(cli: CommandLine) -> Outcome:
    """Return what the command prints as JSON."""
    return cli("datasets", "--json")


def test_each_dataset_has_the_endpoint_that_its_requests_go_to(listed: Outcome) -> None:
    """Method and path of the first request, and the limits of the contract."""
    found: list[dict[str, Any]] = listed.json["datasets"]
    assert [each["name"] for each in found] == list(CATALOGUE)
    for each in found:
        contract: Any = get(each["name"])
        query, asked = Query(each=("ID",) if contract.filters.ids else ()), getattr(contract, "bulk", contract)
        if hasattr(asked, "request"):
            first = asked.request(query, WINDOW, 1, 25)
        elif hasattr(asked, "submit"):
            first = asked.submit(query, WINDOW)
        else:
            first = asked.page(query, WINDOW, None, 25)
        beside = "" if asked is contract else " and /query"
        assert each["endpoint"].replace("{id}", "ID") == f"{first.method} {first.path}{beside}"
        assert (each["key"], each["page_size_max"]) == (contract.schema.key, contract.page_sizes.most)


def test_each_permission_is_the_one_that_the_document_names(listed: Outcome) -> None:
    """In the table of the catalogue, which is made of it."""
    page = README.read_text("utf-8")
    assert written(page) == page, "run: python -m tests.support.catalogue_table"
    for each in listed.json["datasets"]:
        declared = None if CATALOGUE[each["name"]].module else shipped_declaration(each["name"])
        if declared is not None:
            assert (declared.title, declared.permission or None) == (each["line"], each["permission"])
            assert declared.name == each["name"]
