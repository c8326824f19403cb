"""One row for each stay in a queue: what was offered, answered, abandoned, handed over, and how long it took."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

import resumable
from resumable.errors import UsageError
from resumable.models import iso
from tests.export.jobs import Make, Page, record
from tests.support.builders import START


def rows_of(job: resumable.Job, **how: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as Job.export takes them
    """Return the interactions of a job."""
    found: list[bytes] = []
    job.export(found.append, format="jsonl", table="interactions", **how)
    return [json.loads(line) for line in b"".join(found).splitlines()]


def session(queue: str | None, minute: int, **metrics: int) -> dict[str, Any]:
    """Return a session of a queue that begins in some minute, with metrics."""
    begun = iso(START + timedelta(minutes=minute))
    segment = {"segmentStart": begun, **({"queueId": queue} if queue else {})}
    told = [{"name": name, "value": value, "emitDate": begun} for name, value in metrics.items()]
    return {"mediaType": "voice", "direction": "inbound", "segments": [segment], "metrics": told}


def person(purpose: str, *sessions: dict[str, Any], user: str | None = None) -> dict[str, Any]:
    """Return a participant."""
    return {"purpose": purpose, "sessions": [*sessions], **({"userId": user} if user else {})}


ANSWERED = {"tAnswered": 25_000, "nOverSla": 1, "tTalk": 60_000, "tTalkComplete": 60_000, "tAcw": 5_000}
CALL = record(
    "call",
    participants=[
        person("customer", session(None, 0, nConnected=1)),
        person("acd", session("sales", 29, nOffered=1, tWait=25_000, tAcd=25_000)),
        person("agent", session("sales", 29, tNotResponding=9_000), user="asleep"),
        person(
            "agent",
            session("sales", 30, **ANSWERED, tHandle=65_000, nTransferred=1) | {"segments": [
                {"segmentStart": iso(START + timedelta(minutes=30)), "queueId": "sales"},
                {"segmentStart": iso(START + timedelta(minutes=31)), "queueId": "sales", "wrapUpCode": "done"},
            ]},
            user="ada",
        ),
        person("acd", session("claims", 32, nOffered=1, tAbandon=4_000, tShortAbandon=4_000)),
    ],
)  # fmt: skip


def test_a_transferred_call_is_a_stay_in_each_queue(make: Make) -> None:
    """The first answered by who did respond and handed over, the second given up; each in its own half hour."""
    sales, claims = rows_of(make([[Page(records=[CALL])]]), zone="Asia/Kathmandu")
    assert sales == {
        "conversationId": "call", "interactionIndex": 0, "queueId": "sales", "mediaType": "voice",
        "direction": "inbound", "offeredAt": "2023-10-01T00:29:00.000Z", "halfHour": "2023-10-01T00:15:00.000Z",
        "localHalfHour": "2023-10-01T06:00+05:45", "offered": 1, "answered": 1, "abandoned": 0, "shortAbandoned": 0,
        "flowedOut": 0, "overSla": 1, "transferred": 1, "handled": 1, "userId": "ada", "wrapUpCode": "done",
        "waitMs": 25_000, "talkMs": 60_000, "acwMs": 5_000, "handleMs": 65_000,
    }  # fmt: skip
    assert (claims["queueId"], claims["interactionIndex"], claims["waitMs"]) == ("claims", 1, 4_000)
    assert [claims[name] for name in ("offered", "answered", "abandoned", "shortAbandoned")] == [1, 0, 1, 1]
    assert "userId" not in claims
    assert "handleMs" not in claims


def test_work_for_a_queue_that_nobody_waited_in_is_a_row_that_was_not_offered(make: Make) -> None:
    """A call that an agent placed for a queue is there with its times; one without a queue is not."""
    placed = record(
        "out",
        participants=[
            person("agent", session("sales", 0, tHandle=7_000), session(None, 1, tHandle=9), user="ada"),
            person("customer", session(None, 0)),
        ],
    )
    (row,) = rows_of(make([[Page(records=[placed, record("bare"), record("null", participants=None)])]]))
    assert (row["offered"], row["answered"], row["handled"], row["handleMs"]) == (0, 0, 1, 7_000)
    assert row["userId"] == "ada"
    assert "waitMs" not in row


def test_whatever_the_field_model_allows_becomes_rows(job: resumable.Job) -> None:
    """Random conversations, with nulls and absent lists, have a row for each ACD session with a queue, and no crash."""
    found: list[bytes] = []
    job.export(found.append, format="jsonl")
    records = [json.loads(line) for line in b"".join(found).splitlines()]
    sessions = [
        each
        for conversation in records
        for participant in conversation.get("participants") or []
        if participant.get("purpose") == "acd"
        for each in participant.get("sessions") or []
    ]
    waited = sum(any(segment.get("queueId") for segment in each.get("segments") or []) for each in sessions)
    rows = rows_of(job)
    assert 0 < waited <= len(rows)
    assert len({(row["conversationId"], row["interactionIndex"]) for row in rows}) == len(rows)


def test_a_database_has_the_figures_beside_the_rows(make: Make, tmp_path: Path) -> None:
    """The view adds up each queue's half hour."""
    job = make([[Page(records=[CALL])]])
    job.export(tmp_path / "calls.duckdb", table="interactions")
    with duckdb.connect(str(tmp_path / "calls.duckdb"), read_only=True) as db:
        found = db.sql(
            "SELECT queueId, localHalfHour, offered, serviceLevel, asaSeconds FROM queueHalfHours ORDER BY ALL"
        )
        assert found.fetchall() == [
            ("claims", "2023-10-01T00:30+00:00", 1, 0.0, None),
            ("sales", "2023-10-01T00:00+00:00", 1, 0.0, 25.0),
        ]


def test_a_zone_is_one_that_there_is_and_for_what_has_days(make: Make) -> None:
    """Anything else is a usage error, and nothing is written."""
    job = make([[Page(records=[CALL])]])
    for zone in ("Mars/Olympus", "../etc", ""):
        with pytest.raises(UsageError, match="is not a time zone"):
            rows_of(job, zone=zone)
    with pytest.raises(UsageError, match="--tz says which days an export is cut into"):
        job.export(lambda _: None, format="jsonl", table="metrics", zone="UTC")


def test_another_zone_is_another_export(make: Make, tmp_path: Path) -> None:
    """The same again writes nothing; with other half hours, all of it is written."""
    job = make([[Page(records=[CALL])]])
    path = tmp_path / "calls.parquet"
    written = [job.export(path, table="interactions", zone=z).days_written for z in ("UTC", "UTC", "Europe/Berlin")]
    assert written == [1, 0, 1]


def test_a_sum_that_no_column_holds_is_none(make: Make) -> None:
    """Times that make no sense end no export: what they add up to is left out, and the rest of the row is there."""
    talks = {"tTalk": 2**63 - 1, "tTalkComplete": 2**63 - 1, "tAcw": 2**63 - 1, "tHandle": 2**63 - 1}
    twice = [session("sales", 0, **{**ANSWERED, **talks}), session("sales", 0, **talks)]
    (row,) = rows_of(make([[Page(records=[record("long", participants=[person("agent", *twice, user="ada")])])]]))
    assert (row["conversationId"], row["answered"]) == ("long", 1)
    assert None in {row.get(name) for name in ("talkMs", "acwMs", "handleMs")}
