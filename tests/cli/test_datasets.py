"""What the catalogue says of its datasets is what their requests and documents say."""

import json
from typing import Any

import pytest

from resumable.datasets.catalogue import CATALOGUE
from resumable.datasets.resolve import get
from resumable.models import Interval, Query, moment_of
from tests.cli.reference import README
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
        asked = getattr(contract, "bulk", contract)
        first = asked.request(Query(), WINDOW, 1, 25) if hasattr(asked, "request") else asked.submit(Query(), WINDOW)
        beside = "" if asked is contract else " and /query"
        assert each["endpoint"] == f"{first.method} {first.path}{beside}"
        assert (each["key"], each["page_size_max"]) == (contract.schema.key, contract.page_sizes.most)


def test_each_permission_is_the_one_that_the_document_names(listed: Outcome) -> None:
    """In its table of permissions."""
    page = (README.parent.parent / "datasets" / "README.md").read_text("utf-8")
    for each in listed.json["datasets"]:
        if each["permission"]:
            (row,) = [line for line in page.splitlines() if f"`{each['permission']}`" in line]
            assert f"`{each['name']}`" in row
    assert json.dumps(listed.json).count(":view") == 7
