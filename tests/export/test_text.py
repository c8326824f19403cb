"""Values that break careless writers come through JSON Lines and CSV unchanged."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable.export import shape
from resumable.export.text import Csv
from resumable.schema.decode import decode
from resumable.schema.registry import pinned
from tests.export.jobs import Make, Page, record

HOSTILE = [
    'a "quoted" text',
    "two\nlines\r\nand a third\r",
    ",;\t|",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=cmd|' /C calc'!A0",
    "nul\x00inside",
    "\x1b[31mred",
    "\u2028\u2029\u0085",
    "ünïcödé 日本 😀 \u202e",
    "\ufeffbom",
    " spaces ",
    "",
    "NULL",
    "nan",
    "\\N",
    "\\",
    "'",
    "x" * 100_000,
]
NUMBERS = [0.1, -0.0, 1e300, 5e-324, 1.0, 4.999999999999999]


def hostile() -> list[dict[str, Any]]:
    """Return conversations with such values wherever there is a text, and with members that no column has."""
    texts = [
        record(
            f"c{n:02d}",
            0,
            n,
            externalTag=text,
            divisionIds=[text, "x"],
            participants=[{"participantName": text, "attributes": {text or "k": text}, "newThing": {text: [1, None]}}],
            **{f"new{n}": text},
        )
        for n, text in enumerate(HOSTILE)
    ]
    return texts + [
        record(f"d{n:02d}", 1, n, mediaStatsMinConversationMos=number, selfServed=bool(n % 2))
        for n, number in enumerate(NUMBERS)
    ]


@pytest.fixture
def job(make: Make) -> resumable.Job:
    """A job of such conversations."""
    return make([[Page(records=hostile())]])


def output(job: resumable.Job, **how: Any) -> bytes:  # noqa: ANN401 - as Job.export takes them
    """Return the bytes of an export."""
    found: list[bytes] = []
    job.export(found.append, **how)
    return b"".join(found)


def test_json_lines_give_back_every_record_with_what_the_schema_had_no_place_for(job: resumable.Job) -> None:
    """Byte for byte in their texts; `_unmapped` is put back where it was."""
    lines = output(job, format="jsonl").split(b"\n")
    assert lines.pop() == b""
    records = [json.loads(line) for line in lines]
    assert not any("_unmapped" in each for each in records)
    assert records == hostile()


def test_csv_gives_back_every_text(job: resumable.Job) -> None:
    """A reader of CSV finds each text unchanged: quoted, and a formula not made into something else."""
    text = output(job, format="csv").decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert [row["externalTag"] for row in rows[: len(HOSTILE)]] == HOSTILE
    for row, text in zip(rows, HOSTILE, strict=False):
        assert json.loads(row["divisionIds"]) == [text, "x"]
        assert json.loads(row["participants"])[0]["attributes"] == {text or "k": text}
    assert [float(row["mediaStatsMinConversationMos"]) for row in rows[len(HOSTILE) :]] == NUMBERS
    assert [row["selfServed"] for row in rows[len(HOSTILE) :]] == ["false", "true"] * 3


def test_csv_tells_no_value_from_an_empty_text(make: Make) -> None:
    """Nothing between the commas, or two quotes."""
    job = make([[Page(records=[record("a", 0, 0, externalTag=""), record("b", 0, 1)])]])
    header, *lines = output(job, format="csv").decode().splitlines()
    place = header.replace('"', "").split(",").index("externalTag")
    assert [line.split(",")[place] for line in lines] == ['""', ""]


def test_csv_keeps_what_the_schema_had_no_place_for(job: resumable.Job) -> None:
    """In a column of its own, as JSON by JSON Pointer."""
    rows = list(csv.DictReader(io.StringIO(output(job, format="csv").decode(), newline="")))
    assert json.loads(rows[3]["_unmapped"]) == {"/new3": "=1+1", "/participants/0/newThing": {"=1+1": [1, None]}}


def test_an_export_of_nothing_still_has_its_header(make: Make) -> None:
    """CSV has its columns, JSON Lines has no line."""
    job = make([[], []])
    assert output(job, format="csv").startswith(b'"conversationId","conversationStart"')
    assert output(job, format="jsonl") == b""


LONE = "x\ud83d"
"""JSON may hold half a surrogate pair, as an escape; no encoding can hold it."""


def test_half_a_surrogate_pair_stays_the_escape_that_it_was_sent_as(make: Make, tmp_path: Path) -> None:
    """In values, names, lists and free maps: JSON Lines are UTF-8 and give back every record; so is CSV."""
    sent = record(
        "a",
        0,
        externalTag=LONE,
        divisionIds=[LONE],
        participants=[{"attributes": {"k": LONE, LONE: "v", "ü": "ü"}}],
        minute=0,
        **{f"new{LONE}": {LONE: [LONE]}},
    )
    job = make([[Page(records=[sent])]])
    lines = output(job, format="jsonl")
    assert json.loads(lines.decode("utf-8")) == sent
    assert b'"externalTag":"x\\ud83d"' in lines
    assert "ü".encode() in lines
    job.export(tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == lines
    (row,) = csv.DictReader(io.StringIO(output(job, format="csv").decode("utf-8"), newline=""))
    assert json.loads(row["_unmapped"])["/externalTag"] == LONE


def test_csv_keeps_half_a_surrogate_pair_within_free_json() -> None:
    """A list of any JSON holds it as its escape too."""
    schema = pinned("user")
    body = json.dumps({"entities": [{"id": "u", "groups": [{"owners": [{"name": [LONE, "ü"]}]}]}]}).encode()
    table = decode(body, schema=schema, records_key="entities").table
    assert table is not None
    found: list[bytes] = []
    made = shape.make(schema, "users", table=None, names={})
    Csv(found.append, made).add(0, made.apply(table))
    (row,) = csv.DictReader(io.StringIO(b"".join(found).decode("utf-8"), newline=""))
    assert json.loads(row["groups"]) == [{"owners": [{"name": [LONE, "ü"]}]}]
    assert "ü" in row["groups"]


def test_a_member_named_by_half_a_surrogate_pair_is_counted(make: Make) -> None:
    """The count of what the schema had no place for goes into the manifest, whatever the server called it."""
    body = json.dumps({"conversations": [record("a", 0, **{LONE: 1})]}).encode()
    drift = decode(body, schema=pinned("conversation"), records_key="conversations").drift
    assert [path.encode() for path in drift] == [b"x\\ud83d"]
