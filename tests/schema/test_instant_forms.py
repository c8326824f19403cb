"""Instants in every form that people write: which are instants, whatever stands beside them."""

import pytest

from resumable.schema.decode import decode
from tests.schema.small import SMALL
from tests.support.json_records import body_of

INSTANT_FORMS = {
    "2023-10-01T00:00:00Z": True,
    "2023-10-01T00:00:00.1Z": True,
    "2023-10-01 00:00:00.12Z": True,
    "2023-10-01T00:00:00.123Z": True,
    "2023-10-01T02:00:00.123+02:00": True,
    "2023-10-01T00:00:00.1234Z": False,
    "2023-10-01T00:00:00": False,
    "2023-10-01T00:00Z": False,
    "2023-10-01T00Z": False,
    "2023-10-01": False,
    "2023-02-29T00:00:00Z": False,
    "0000-12-31T00:00:00Z": False,
}


@pytest.mark.parametrize("text", INSTANT_FORMS)
def test_a_text_is_an_instant_whatever_stands_beside_it(text: str) -> None:
    """Whether a text is an instant does not depend on the other texts of its column."""
    for others in ([], ["2023-10-01T00:00:00.000Z"], ["no instant"]):
        body = body_of([{"at": at} for at in [text, *others]])
        decoded = decode(body, schema=SMALL, records_key="records")
        assert decoded.table is not None
        assert decoded.table["at"].is_valid().to_pylist()[0] is INSTANT_FORMS[text]
