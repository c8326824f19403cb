"""What makes two records one: a key, or the documents that a record bundles."""

import json

from resumable.schema import identity
from resumable.schema.decode import decode
from resumable.schema.registry import pinned

SCHEMA = pinned("user-detail")


def period(hour: int, state: str = "AWAY") -> dict[str, str]:
    """Return a presence of an hour."""
    start, end = f"2023-10-01T{hour:02}:00:00.000Z", f"2023-10-01T{hour + 1:02}:00:00.000Z"
    return {"startTime": start, "endTime": end, "systemPresence": state}


def records(*found: dict[str, object]) -> list[str]:
    """Return the identities of some records, as a page that lists them has them."""
    table = decode(json.dumps({"userDetails": found}).encode(), schema=SCHEMA, records_key="userDetails").table
    assert table is not None
    return [str(one) for one in identity.identities(table, SCHEMA).to_pylist()]


def test_one_user_with_other_periods_is_another_record() -> None:
    """A userId on several pages is normal; the same documents twice are not."""
    one, other, again = records(
        {"userId": "u", "primaryPresence": [period(1)]},
        {"userId": "u", "primaryPresence": [period(2)]},
        {"userId": "u", "primaryPresence": [period(1)]},
    )
    assert one == again != other


def test_a_document_is_the_same_however_it_is_grouped() -> None:
    """Alone or beside others, of one user and not of another, in one list and not in the other."""
    both, alone, stranger = records(
        {"userId": "u", "primaryPresence": [period(1), period(2)]},
        {"userId": "u", "primaryPresence": [period(2)]},
        {"userId": "v", "primaryPresence": [period(2)]},
    )
    found = identity.documents(both, SCHEMA)
    assert len(found) == 2
    assert identity.documents(alone, SCHEMA) == found[1:]
    assert identity.documents(stranger, SCHEMA) != found[1:]


def test_what_the_columns_cannot_hold_is_part_of_the_identity() -> None:
    """Two records that differ in a field that nobody knows are two."""
    one, other = records(
        {"userId": "u", "primaryPresence": [{**period(1), "new": 1}]},
        {"userId": "u", "primaryPresence": [{**period(1), "new": 2}]},
    )
    assert one != other


def test_documents_are_cut_out_by_their_number() -> None:
    """A record keeps what is left of it, and goes where nothing is."""
    found = [
        {"userId": "u", "primaryPresence": [period(1), period(2)], "routingStatus": []},
        {"userId": "v", "primaryPresence": [period(3)]},
    ]
    table = decode(json.dumps({"userDetails": found}).encode(), schema=SCHEMA, records_key="userDetails").table
    assert table is not None
    left, rows = identity.cut(table, SCHEMA, [0, 2])
    assert rows == [0]
    assert left.schema == table.schema
    assert [len(row["primaryPresence"]) for row in left.to_pylist()] == [1, 0]
