"""Records that are not at the top of an answer: found wherever they are said to be, or said to be missing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resumable.schema.decode import NotRecords, Presence, decode, decode_carefully
from tests.schema.small import SMALL, few
from tests.support.json_records import body_of, records


@few
@given(st.lists(records(SMALL.root, odd=True), max_size=4))
def test_records_inside_other_objects_are_read_alike(found: list[dict[str, Any]]) -> None:
    """Records that are not at the top become the same rows, and the envelope is still the top's."""
    body = json.dumps({"meta": {"total": 3}, "data": {"page": {"records": found, "more": 1}}}).encode()
    inner = decode(body, schema=SMALL, records_key="records", within=("data", "page"), envelope=["meta", "none"])
    plain = decode_carefully(body_of(found), schema=SMALL, records_key="records")
    assert inner.table is not None
    assert inner.table.equals(plain.table)
    assert (inner.envelope, inner.drift) == ({"meta": {"total": 3}}, plain.drift)


@pytest.mark.parametrize(
    ("body", "presence"),
    [
        (b'{"data": {"page": {}}}', Presence.ABSENT),
        (b'{"data": {"page": null}}', Presence.NULL),
        (b'{"data": {"page": {"records": null}}}', Presence.NULL),
        (b"{}", Presence.ABSENT),
    ],
)
def test_records_missing_anywhere_on_the_way_are_missing(body: bytes, presence: Presence) -> None:
    """An answer that does not have the objects around its records has no records, and says how."""
    inner = decode(body, schema=SMALL, records_key="records", within=("data", "page"))
    assert (inner.table, inner.presence) == (None, presence)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"data": []}', "data is not a JSON object"),
        (b'{"data": {"page": {"records": {}}}}', r"data\.page\.records is not a list"),
        (b'{"data": {"page": {"records": [1]}}}', r"data\.page\.records\[0\] is not a JSON object"),
    ],
)
def test_something_else_on_the_way_to_the_records_is_refused(body: bytes, complaint: str) -> None:
    """Where something else stands on the way to the records, the refusal names the place."""
    with pytest.raises(NotRecords, match=complaint):
        decode(body, schema=SMALL, records_key="records", within=("data", "page"))
