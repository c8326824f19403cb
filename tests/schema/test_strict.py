"""Strict JSON: what is refused, and what the refusal says."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resumable.schema.strict_json import NotJson, strict_json
from tests.support.json_records import ANY_JSON, same

REFUSED = {
    b"": ("expecting value", 0),
    b" \n": ("expecting value", 2),
    b"<html>": ("expecting value", 0),
    b'{"a":1} x': ("extra data", 8),
    b'{"a":1,}': (None, None),
    b'{"a":"\xc3\xbc\xff"}': ("invalid UTF-8", 8),
    b"\xef\xbb\xbf{}": ("a byte order mark", 0),
    b"\xff\xfe{\x00}\x00": ("invalid UTF-8", 0),
    b'["NaN",NaN]': ("NaN or Infinity", 7),
    b'{"a":-Infinity}': ("NaN or Infinity", 5),
    b'{"\xc3\xbc":1,"a":{"b":1,"b":2}}': ("a key twice in one object", 19),
    b'{"a":{"b":1},"c":[{"b":1}],"\\u0061":2}': ("a key twice in one object", 27),
    b'["1e400",1e400]': ("a number beyond the range of a double", 9),
    b"[" + b"7" * 5000 + b"]": ("an integer of more than 4300 digits", 1),
    b"[" * 100_000: ("nested too deep", None),
    b'["a\nb"]': ("invalid control character", 3),
    b'["a]': ("unterminated string", 1),
}


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: repr(body[:20]))
def test_a_refusal_says_why_and_where(body: bytes) -> None:
    """A body that is not strict JSON is refused with a short reason and the byte where it shows."""
    reason, position = REFUSED[body]
    with pytest.raises(NotJson) as refusal:
        strict_json(body)
    if reason is not None:
        assert (refusal.value.reason, refusal.value.position) == (reason, position)


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: repr(body[:20]))
def test_a_refusal_holds_no_more_than_the_start(body: bytes) -> None:
    """Neither the error nor anything that hangs on it holds more of the body than 80 characters."""
    with pytest.raises(NotJson) as refusal:
        strict_json(body[:1] + b" " * 100 + body[1:] if body[:1] in b"[{" else body)
    error = refusal.value
    assert len(error.start) <= 80
    assert len(str(error)) < 80
    assert error.__context__ is None
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"9007199254740993", 9007199254740993),
        (b"-0", 0),
        (b"1" * 4300, int("1" * 4300)),
        (b"0.1", 0.1),
        (b"1e-400", 0.0),
        (b'"\\ud800"', "\ud800"),
        (b' {"a":{"a":[null,true]}}\r\n', {"a": {"a": [None, True]}}),
        (b'"\\u0000\x7f"', "\0\x7f"),
    ],
)
def test_values_are_exact(body: bytes, value: object) -> None:
    """Whole numbers stay exact, others are doubles, and all that RFC 8259 allows is taken."""
    assert strict_json(body) == value


@settings(deadline=None)
@given(ANY_JSON)
def test_any_value_comes_through(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Every JSON value that was written is read back."""
    assert same(strict_json(json.dumps(value).encode()), value)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=12) | st.text(alphabet='{}[]:,"\\ab1eN- \n', max_size=14).map(str.encode))
def test_no_body_breaks_it(body: bytes) -> None:
    """Any bytes are either what json.loads makes of them or refused with NotJson."""
    try:
        value, position = strict_json(body), None
    except NotJson as refusal:
        position = refusal.position
    else:
        assert same(value, json.loads(body))
    assert position is None or 0 <= position <= len(body)
