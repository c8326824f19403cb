"""What is dropped is nowhere in a table, a hash is the same for the same key, and all else stays as it was."""

import json
from typing import Any

import pytest

from resumable.errors import UsageError
from resumable.redaction import KeyedHash, Secret
from resumable.schema.decode import decode
from resumable.schema.pii import PII
from resumable.schema.privacy import PrivacyRules, rules_for
from resumable.schema.private_tables import PrivateTables
from resumable.schema.rebuild import rebuild
from resumable.schema.registry import pinned
from resumable.schema.schema import Schema

SCHEMA = pinned("conversation")
KEY = KeyedHash(Secret("a key of many characters"))
SESSION: dict[str, Any] = {
    "ani": "tel:+49301234567",
    "dnis": "tel:+493055500",
    "callbackNumbers": ["+49 30 1", None, "+49 30 2"],
}
RECORD: dict[str, Any] = {
    "conversationId": "c1",
    "conversationStart": "2023-10-01T00:00:00.000Z",
    "divisionIds": ["d1"],
    "participants": [
        {"participantName": "Ada", "attributes": {"name": "Ada", "age": "7"}, "sessions": [SESSION, {}]},
        {"purpose": "acd", "sessions": []},
        {"purpose": "ivr"},
    ],
}


def rules(schema: Schema = SCHEMA, **how: Any) -> PrivacyRules:  # noqa: ANN401 - as rules_for takes them
    """Return rules, read back from their text."""
    made = rules_for(schema, **how, key_id=lambda: KEY.id)
    assert made is not None
    assert PrivacyRules.from_json(made.to_json()) == made
    return made


def private(record: dict[str, Any], **how: Any) -> dict[str, Any]:  # noqa: ANN401 - as rules_for takes them
    """Return a record as private tables have it; a plain one before it and a bare one behind it are left alone."""
    bare = {"conversationId": "c0", "conversationStart": "2023-10-01T00:00:00.000Z"}
    body = json.dumps({"conversations": [bare, record, bare]}).encode()
    table = decode(body, schema=SCHEMA, records_key="conversations").table
    made = PrivateTables(rules(**how), KEY)(table, SCHEMA)
    assert made.schema == SCHEMA.arrow
    made.validate(full=True)
    first, found, last = rebuild(made, schema=SCHEMA)
    assert first == last == bare
    return found


def test_a_dropped_field_is_absent_and_no_other_changes() -> None:
    """Of a leaf, of a map, of a list, and of a whole object."""
    found = private(RECORD, drop=["participants.sessions.ani", "participants.attributes"])
    people = [
        {"participantName": "Ada", "sessions": [{k: v for k, v in SESSION.items() if k != "ani"}, {}]},
        *RECORD["participants"][1:],
    ]
    assert found == RECORD | {"participants": people}
    assert private(RECORD, drop=["participants"]) == {k: v for k, v in RECORD.items() if k != "participants"}


def test_a_hashed_text_is_the_same_for_the_same_key() -> None:
    """Also within lists and maps, and within what is dropped as a whole; with another key it is another."""
    paths = [f"participants.sessions.{name}" for name in ("ani", "callbackNumbers")]
    found = private(RECORD, hashed=[*paths, "participants.attributes"], drop=["participants.sessions"])
    (ada, *_) = found["participants"]
    expected = {"ani": KEY("tel:+49301234567"), "callbackNumbers": [KEY("+49 30 1"), None, KEY("+49 30 2")]}
    assert ada["sessions"] == [expected, {}]
    assert ada["attributes"] == {"name": KEY("Ada"), "age": KEY("7")}
    assert len(KEY("Ada")) == 32
    assert KEY("Ada") != KeyedHash(Secret("another key, as long"))("Ada")


def test_only_keeps_what_is_named_and_what_a_job_needs() -> None:
    """Id and start stay; objects on the way stay, empty of all else."""
    found = private(RECORD, only=["participants.sessions.dnis"])
    assert found == {
        "conversationId": "c1",
        "conversationStart": RECORD["conversationStart"],
        "participants": [{"sessions": [{"dnis": SESSION["dnis"]}, {}]}, {"sessions": []}, {}],
    }


@pytest.mark.parametrize(
    ("how", "stays"),
    [
        ({"drop": ["participants.sessions.ani"]}, {"new", "participants.0.sessions.0.mediaCount"}),
        ({"drop": ["participants.sessions.mediaCount"]}, {"new", "participants.0.sessions.0.ani"}),
        ({"hashed": ["participants.sessions.ani"]}, {"new", "participants.0.sessions.0.mediaCount"}),
        ({"drop": ["participants"]}, {"new"}),
        ({"drop": ["divisionIds"]}, {"new", "participants.0.sessions.0.ani", "participants.0.sessions.0.mediaCount"}),
        ({"only": ["participants.sessions.ani"]}, {"participants.0.sessions.0.ani"}),
        ({"preset": "pii"}, set[str]()),
    ],
)
def test_what_no_column_holds_is_private_too(how: dict[str, Any], stays: set[str]) -> None:
    """A number where a text belongs, a new field: each goes, or stays, as its place would."""
    odd = {"ani": 4930, "mediaCount": "two"}
    found = private({**RECORD, "participants": [{"sessions": [odd]}], "new": {"phone": "+49"}}, **how)
    sessions = found.get("participants", [{}])[0].get("sessions", [{}])
    known = {f"participants.0.sessions.0.{name}" for name in sessions[0]} | ({"new"} & set(found))
    assert known == stays


def test_a_list_where_an_object_belongs_goes_with_what_is_dropped_in_it() -> None:
    """It is kept whole beside the columns, and might hold anything."""
    found = private({**RECORD, "participants": {"sessions": [SESSION]}}, drop=["participants.sessions.ani"])
    assert "participants" not in found


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"drop": ["participants.phone"]}, "'phone' is not known"),
        ({"drop": ["conversationId"]}, "knows its records by"),
        ({"hashed": ["conversationStart"]}, "knows its records by"),
        ({"hashed": ["participants.sessions"]}, "only texts are hashed"),
        ({"hashed": ["participants.sessions.mediaCount"]}, "only texts are hashed"),
        ({"drop": ["conversationEnd"], "needed": ["conversationEnd"]}, "knows its records by"),
        ({"preset": "everything"}, "no preset"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused(how: dict[str, Any], words: str) -> None:
    """As usage errors, before anything is asked for."""
    with pytest.raises(UsageError, match=words):
        rules(**how)


def test_a_preset_names_fields_that_there_are() -> None:
    """Of each schema that it knows."""
    for name, fields in PII.items():
        found = rules_for(pinned(name), preset="pii", key_id=str)
        assert (found.drop if found is not None else ()) == tuple(sorted(fields))
