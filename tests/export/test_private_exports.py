"""What an export leaves out is in none of its tables: not in columns, and not in what no column holds."""

import json

import pytest

import resumable
from resumable.schema.privacy import PrivacyRules, rules_for
from resumable.schema.registry import pinned
from tests.export.jobs import Make, Page, record

SECRET = "+49301234567"
SESSION = {"ani": SECRET, "mediaCount": f"two of {SECRET}", "mediaType": "voice", "segments": [{"queueId": "sales"}]}


@pytest.fixture
def job(make: Make) -> resumable.Job:
    """One conversation whose number also stands where no column has a place for it."""
    people = [{"purpose": "acd", "screenRecording": True, "sessions": [SESSION, {"ani": [SECRET]}]}, {"purpose": "ivr"}]
    return make([[Page(records=[record("c", participants=people)])]])


def rules(*drop: str) -> PrivacyRules:
    """Return rules that drop some fields."""
    made = rules_for(pinned("conversation"), drop=drop, key_id=str)
    assert made is not None
    return made


@pytest.mark.parametrize("table", [None, "conversations", "participants", "sessions", "segments", "interactions"])
def test_no_table_has_what_is_dropped(job: resumable.Job, table: str | None) -> None:
    """Whichever columns of the parts it reads."""
    found: list[bytes] = []
    dropped = rules("participants.sessions.ani", "participants.sessions.mediaCount")
    job.export(found.append, format="jsonl", table=table, privacy=dropped)
    assert b"".join(found)
    assert SECRET.encode() not in b"".join(found)


def test_how_many_there_are_does_not_depend_on_what_is_dropped_of_them(job: resumable.Job) -> None:
    """A length is told by one member of each element; dropping that leaves it; dropping the list does not."""
    for path, count in (("participants.screenRecording", 2), ("participants", None)):
        found: list[bytes] = []
        job.export(found.append, format="jsonl", table="conversations", privacy=rules(path))
        (row,) = map(json.loads, b"".join(found).splitlines())
        assert row.get("participantCount") == count
