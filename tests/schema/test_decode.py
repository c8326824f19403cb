"""Decoding: no value changes, and nobody can tell the fast route from the careful one."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resumable.schema.decode import Decoded, NotRecords, Presence, decode, decode_carefully
from resumable.schema.decode_fast import cut, table_of
from resumable.schema.rebuild import rebuild
from resumable.schema.registry import NAMES, pinned
from resumable.schema.schema import Schema
from resumable.schema.strict_json import NotJson
from tests.schema.small import SMALL, few, many
from tests.support.json_records import ANY_JSON, body_of, comes_back, large_records, records, same

CONVERSATION = pinned("conversation")
ENVELOPE = {"total": 3, "paging": {"pageCount": 2}, "groups": [[1], {"a": ["]}"]}], "nothing": None}


def fast(body: bytes, schema: Schema) -> pa.Table | None:
    """Take the fast route alone."""
    found = cut(body, "records")
    return None if found is None else table_of(found.records, schema)


def outcome(body: bytes, schema: Schema, *, careful: bool) -> Decoded | str:
    """Return what a route gives, or the class of its refusal."""
    route = decode_carefully if careful else decode
    try:
        return route(body, schema=schema, records_key="records", envelope=ENVELOPE)
    except NotJson as refusal:
        return type(refusal).__name__


def assert_routes_agree(body: bytes, schema: Schema) -> Decoded | str:
    """Compare both routes on one body and return their outcome."""
    quick, careful = outcome(body, schema, careful=False), outcome(body, schema, careful=True)
    if isinstance(quick, str) or isinstance(careful, str):
        assert quick == careful
        return quick
    assert (quick.presence, quick.drift) == (careful.presence, careful.drift)
    assert same(quick.envelope, careful.envelope)
    if quick.table is None or careful.table is None:
        assert quick.table is careful.table
        return quick
    for table in (quick.table, careful.table):
        table.validate(full=True)
        assert table.schema.equals(schema.arrow, check_metadata=True)
    assert quick.table.equals(careful.table)
    return quick


def assert_nothing_changed(found: list[Any], schema: Schema) -> None:
    """Decode records by both routes and rebuild them."""
    decoded = assert_routes_agree(body_of(found, **ENVELOPE), schema)
    assert isinstance(decoded, Decoded)
    assert decoded.envelope == ENVELOPE
    assert decoded.table is not None
    back = list(rebuild(decoded.table, schema=schema))
    for was, now in zip(found, back, strict=True):
        assert comes_back(schema.root, was, now)


@few
@given(st.lists(large_records(CONVERSATION.root, odd=True), max_size=3))
def test_odd_conversations_come_back(found: list[Any]) -> None:
    """A conversation with misfits and unknown members anywhere is rebuilt as it was sent."""
    assert_nothing_changed(found, CONVERSATION)


@many
@given(st.lists(records(SMALL.root, odd=True, members=8), max_size=4))
def test_odd_records_of_every_kind_come_back(found: list[Any]) -> None:
    """A record with misfits of every kind is rebuilt as it was sent."""
    assert_nothing_changed(found, SMALL)


@few
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_fitting_records_leave_nothing_over(name: str, data: st.DataObject) -> None:
    """A record that fits its pinned schema needs no `_unmapped` and causes no drift."""
    schema = pinned(name)
    found = data.draw(st.lists(large_records(schema.root, odd=False), max_size=2))
    assert_nothing_changed(found, schema)
    decoded = outcome(body_of(found), schema, careful=False)
    assert isinstance(decoded, Decoded)
    assert decoded.drift == {}


@few
@given(st.lists(large_records(CONVERSATION.root, odd=False), max_size=3))
def test_fitting_conversations_are_fast(found: list[Any]) -> None:
    """A page of conversations that fit takes the fast route, attributes included."""
    assert fast(body_of(found), CONVERSATION) is not None


@many
@given(st.data())
def test_routes_agree_on_damaged_bodies(data: st.DataObject) -> None:
    """Whatever a byte of a body turns into, both routes give the same table or both refuse."""
    found = data.draw(st.lists(records(SMALL.root, odd=False, members=8), min_size=1, max_size=3))
    body = bytearray(body_of(found, **ENVELOPE))
    for _ in range(data.draw(st.integers(1, 2))):
        start = data.draw(st.integers(0, len(body)))
        length = data.draw(st.integers(0, 2))
        piece = data.draw(
            st.sampled_from(
                [b"", b"\xff", b"null", b"NaN", b"]", b"}", b'"', b",", b"\\", b"\0", b"1", b"{}", b"[", b":", b"\n"]
            )
        )
        body[start : start + length] = piece
    assert_routes_agree(bytes(body), SMALL)


@many
@given(ANY_JSON)
def test_any_body_is_an_answer_or_refused(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """A body that is some JSON value, or has one for its records, never breaks decoding."""
    assert_routes_agree(json.dumps(value).encode(), SMALL)
    assert_routes_agree(json.dumps({"records": value}).encode(), SMALL)


def record(inner: bytes) -> bytes:
    """Wrap members in the only record of an answer."""
    return b'{"records":[{' + inner + b"}]}"


INSTANTS = """
    2023-10-01T00:00:00.000Z 2023-10-01T00:00:00Z 2023-10-01T00:00:00.1Z 2023-10-01T00:00:00.12Z
    2023-10-01T00:00:00.1234Z 2023-10-01T00:00:00.123000Z 2023-10-01T00:00:00.Z 2023-10-01 2023-10-01T00
    2023-10-01T00Z 2023-10-01T00:00 2023-10-01T00:00Z 2023-10-01T00:00:00 2023-10-01t00:00:00z
    2023-10-01T00:00:00.000 2023-10-01T00:00:00+02:00 2023-10-01T00:00:00+0200 2023-10-01T00:00:00+02
    2023-10-01T00:00:00-00:00 2023-10-01T00:00:00+24:00 2023-10-01T24:00:00Z 2023-10-01T23:59:60Z
    2023-02-29T00:00:00Z 0000-01-01T00:00:00Z 0001-01-01T00:00:00Z 0001-01-01T00:00:00+02:00
    9999-12-31T23:59:59.999Z 9999-12-31T23:59:59-02:00 +2023-10-01T00:00:00Z 12023-10-01T00:00:00Z 1696118400000
    2023-10-01T00:00:00ZZ 2023-10-01T00:00:00,000Z ٢٠٢٣-10-01T00:00:00Z
"""
ODD_BODIES = {
    "nothing": b"",
    "white space": b" \n",
    "null, which crashes pyarrow.json": b"null",
    "HTML": b"<html>",
    "list": b"[]",
    "byte order mark": b"\xef\xbb\xbf" + record(b""),
    "garbage behind": record(b"") + b"x",
    "zero byte behind": record(b"") + b"\0",
    "null behind": record(b"") + b" null",
    "two answers": record(b"") + b"\n" + record(b""),
    "white space behind": record(b"") + b" \r\n\t",
    "answer inside the list": b'{"records":[{}]} null {"records":[]}',
    "answer inside the list, disguised": b'{"records":[{}]} null {"r":[]}',
    "records deeper, disguised": b'{"a":{"records":[{}]},"b":"{","records":[]}',
    "records twice": b'{"records":[],"records":[{}]}',
    "records twice, null": b'{"records":[{}],"records":null}',
    "records twice, escaped": b'{"records":[{}],"\\u0072ecords":[]}',
    "records escaped": b'{"\\u0072ecords":[{}]}',
    "records deeper": b'{"a":{"records":[{}]}}',
    "records deeper too": b'{"a":{"records":[{}]},"records":[]}',
    "records in a text": b'{"a":"\\"records\\":[{}]"}',
    "records in a text too": b'{"a":"x\\"records":[{}]}',
    "comma first": b'{,"records":[{}]}',
    "two commas": b'{"a":1,,"records":[{}]}',
    "comma last": b'{"records":[{}],}',
    "comma in list": b'{"records":[{},]}',
    "key injected": b'{"records":[{}],"r":[{}]}',
    "records null": b'{"records":null}',
    "records absent": b"{}",
    "records an object": b'{"records":{}}',
    "records a text": b'{"records":"[]"}',
    "null record": b'{"records":[null]}',
    "number record": b'{"records":[{},1]}',
    "NaN": record(b'"share":NaN'),
    "minus infinity": record(b'"share":-Infinity'),
    "Inf": record(b'"share":Inf'),
    "1e400": record(b'"share":1e400'),
    "400 digits": record(b'"share":' + b"9" * 400),
    "5000 digits": record(b'"share":' + b"9" * 5000),
    "2**53": record(b'"share":9007199254740992'),
    "2**53 + 1": record(b'"share":9007199254740993'),
    "2**63": record(b'"count":9223372036854775808'),
    "-(2**63)": record(b'"count":-9223372036854775808'),
    "minus zero": record(b'"count":-0,"share":-0'),
    "1.0": record(b'"count":1.0'),
    "1e3": record(b'"count":1e3'),
    "1.5": record(b'"count":1.5'),
    "true for a number": record(b'"count":true'),
    "leading zero": record(b'"count":01'),
    "plus": record(b'"count":+1'),
    "number for text": record(b'"id":1'),
    "key twice": record(b'"id":"a","id":"a"'),
    "key twice, null": record(b'"id":null,"id":"a"'),
    "key twice, escaped": record(b'"id":"a","\\u0069d":"a"'),
    "unknown key twice": record(b'"new":1,"new":1'),
    "map key twice": record(b'"free":{"a":"b","a":"b"}'),
    "map key twice, escaped": record(b'"free":{"a":"b","\\u0061":"b"}'),
    "map as entries": record(b'"free":[{"key":"a","value":"b"}]'),
    "map as a number": record(b'"free":0'),
    "map as a number beside one": b'{"records":[{"free":{"a":"b"}},{"free":0}]}',
    "map as a number, escaped": b'{"records":[{"\\u0066ree":0},{"free":5}]}',
    "map with a digit behind": b'{"records":[{},{"free":{}},{"free":{}5}]}',
    "map of null": record(b'"free":{"a":null,"b":"c"}'),
    "map of numbers": record(b'"free":{"a":1,"b":"c"}'),
    "map of half a pair": record(b'"free":{"a":"\\ud800","\\ud800":"b","c":"d"}'),
    "map in a text": record(b'"id":"\\"free\\":{}","free":{"\\"free\\":{":"}"}'),
    "map spaced out": record(b'"free" :\n{ "a" :\t"b" , "c":"d" }'),
    "invalid UTF-8": record(b'"id":"\xff"'),
    "invalid UTF-8 key": record(b'"\xff":1'),
    "overlong": record(b'"id":"\xc0\x80"'),
    "surrogate in UTF-8": record(b'"id":"\xed\xa0\x80"'),
    "invalid UTF-8 before": b'{"a":"\xff","records":[]}',
    "half a pair": record(b'"id":"\\ud800"'),
    "half a pair as a key": record(b'"\\ud800":"a"'),
    "whole pair": record(b'"id":"\\ud83d\\ude00"'),
    "zero character": record(b'"id":"a\\u0000b"'),
    "raw newline": record(b'"id":"a\nb"'),
    "raw zero": record(b'"id":"a\0b"'),
    "bad escape": record(b'"id":"\\x41"'),
    "comment": record(b'/**/"id":"a"'),
    "form feed": record(b'\x0c"id":"a"'),
    "empty structures": record(b'"one":{},"names":[],"many":[{},null]'),
    "list for an object": record(b'"one":[],"many":{}'),
    "text for a list": record(b'"names":"abc"'),
    "text for JSON": record(b'"any":"abc"'),
    "null unknown": record(b'"new":null'),
    "column of ours": record(b'"_unmapped":"{}"'),
    "column of ours, null": record(b'"_unmapped":null'),
    "deep": record(b'"new":' + b"[" * 150 + b"]" * 150),
    "deeper": record(b'"new":' + b"[" * 250 + b"]" * 250),
    "too deep": record(b'"new":' + b"[" * 100_000 + b"]" * 100_000),
    "never closed": b'{"records":[{"new":' + b"[" * 100_000,
    "deep envelope": b'{"records":[],"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "many brackets behind": b'{"records":[{}],"a":' + json.dumps([[]] * 500).encode() + b"}",
} | {f"instant {text}": record(b'"at":"' + text.encode() + b'"') for text in INSTANTS.split()}


@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES.keys())
def test_routes_agree_where_pyarrow_is_lax(body: bytes) -> None:
    """Where pyarrow.json takes what strict JSON does not, or reads it otherwise, the fast route gives way."""
    decoded = assert_routes_agree(body, SMALL)
    if isinstance(decoded, Decoded) and decoded.table is not None:
        sent = json.loads(body)["records"]
        assert_nothing_changed(sent, SMALL)


def test_presence_tells_null_from_absent() -> None:
    """An answer without records says whether they were null or not there at all."""
    for body, presence in ((b'{"records":null}', Presence.NULL), (b"{}", Presence.ABSENT)):
        decoded = decode(body, schema=SMALL, records_key="records")
        assert (decoded.table, decoded.presence) == (None, presence)
    empty = decode(b'{"records":[]}', schema=SMALL, records_key="records")
    assert empty.presence is Presence.LIST
    assert empty.table is not None
    assert (empty.table.num_rows, empty.table.schema) == (0, SMALL.arrow)


def test_what_is_no_record_is_named() -> None:
    """A record that is not an object is refused, naming it."""
    with pytest.raises(NotRecords, match=r"records\[1\] is not a JSON object"):
        decode(b'{"records":[{},null]}', schema=SMALL, records_key="records")
    with pytest.raises(NotRecords, match="records is not a list"):
        decode(b'{"records":5}', schema=SMALL, records_key="records")


def test_drift_names_the_field_and_counts() -> None:
    """Drift is counted by pattern, with the reason where a known field has a value that does not fit."""
    many_ = [{"x": 1, "new": 5}, {"x": "a", "new": 6}, 7]
    decoded = decode(body_of([{"many": many_, "free": {"k": 1}}]), schema=SMALL, records_key="records")
    assert decoded.drift == {
        "many[].new": 2,
        "many[].x (not a number that a double holds)": 1,
        "many[] (a number, not object)": 1,
        "free.* (a number, not text)": 1,
    }


def test_drift_is_bounded() -> None:
    """A server that makes up a new name every time does not make the drift grow without end."""
    decoded = decode(body_of([{f"n{number}": 1 for number in range(1000)}]), schema=SMALL, records_key="records")
    assert len(decoded.drift) <= 201
    assert sum(decoded.drift.values()) == 1000


def test_an_unknown_envelope_keeps_the_page_fast() -> None:
    """Members beside the records that nobody declared do not cost the fast route."""
    body = body_of([{"id": "a"}], surprise={"deep": [1, [2]]}, other=None)
    assert fast(body, SMALL) is not None


def test_half_a_surrogate_pair_stays_in_unmapped() -> None:
    """A text that UTF-8 cannot hold is kept, escaped, in `_unmapped`."""
    decoded = decode(record(b'"id":"\\ud800"'), schema=SMALL, records_key="records")
    assert decoded.table is not None
    assert decoded.table["_unmapped"].to_pylist() == ['{"/id":"\\ud800"}']


def test_nesting_beyond_use_is_refused() -> None:
    """A value that `_unmapped` could hold and another reader could not parse again is refused."""
    for depth, refused in ((150, False), (250, True), (100_000, True)):
        body = record(b'"new":' + b"[" * depth + b"]" * depth)
        assert (outcome(body, SMALL, careful=False) == "NotJson") is refused


def test_a_map_may_speak_of_maps() -> None:
    """An attribute whose text looks like attributes itself stays on the fast route."""
    body = record(b'"free":{"a":"\\"free\\":{}","b":"{\\"x\\":[1]}"}')
    assert fast(body, SMALL) is not None
    assert_nothing_changed(json.loads(body)["records"], SMALL)
