"""Slices: a long page is read piece by piece, and nobody can tell it from one that is read whole."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resumable.schema import decode_any, decode_fast, decode_slices
from resumable.schema.decode import decode, decode_carefully
from resumable.schema.strict_json import NotJson, strict_json
from tests.schema.small import SMALL, few
from tests.support.json_records import body_of, records, same

LISTS = st.lists(records(SMALL.root, odd=True, members=4), min_size=2, max_size=8)
SPACED = {"indent": 1}
DENSE = {"separators": (",", ":")}


def text_of(found: list[Any], **form: Any) -> bytes:  # noqa: ANN401 - as json.dumps has it
    """Write records so that each begins with the same member, as a server's do."""
    return json.dumps([{"id": str(number), **record} for number, record in enumerate(found)], **form).encode()


@few
@given(LISTS, st.integers(2, 400), st.sampled_from((SPACED, DENSE)))
def test_slices_are_the_list(found: list[Any], size: int, form: dict[str, Any]) -> None:
    """Whatever texts and lists the records hold: the slices that are JSON have the records, each once and in order."""
    text = text_of(found, **form)
    pieces = list(decode_slices.slices(memoryview(text), size))
    try:
        read = [record for piece in pieces for record in strict_json(piece)]  # type: ignore[attr-defined] # lists
    except NotJson:
        return  # a text looked like the end of a record: such a page is read whole
    assert same(read, strict_json(text))


@few
@given(LISTS, st.integers(2, 400))
def test_a_page_in_slices_is_the_page(found: list[Any], size: int) -> None:
    """Misfits, unknown members and free maps among them: rows and drift are those of the careful route."""
    text = text_of(found, **DENSE)
    expected, drift = decode_any.table_of(json.loads(text), SMALL)
    read = decode_slices.table_of(memoryview(text), SMALL, slice_bytes=size)
    if read is None:
        return  # the careful route has it all, as the next promise says
    assert read[0].equals(expected)
    assert read[1] == drift


@few
@given(LISTS, st.data())
def test_damage_is_never_read(found: list[Any], data: st.DataObject) -> None:
    """Whatever bytes of a list are lost or changed: what is read in slices is what the careful route reads, or none."""
    text = bytearray(text_of(found, **DENSE))
    start = data.draw(st.integers(1, len(text) - 2))
    text[start : start + data.draw(st.integers(0, 3))] = data.draw(
        st.sampled_from((b"", b"]", b"},{", b'"', b",", b"\x00"))
    )
    read = decode_slices.table_of(memoryview(bytes(text)), SMALL, slice_bytes=60)
    if read is not None:
        expected = strict_json(bytes(text))
        assert isinstance(expected, list)
        assert read[0].equals(decode_any.table_of(expected, SMALL)[0])


def test_only_the_slice_that_does_not_fit_is_read_with_care(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long page with one misfit, a slice takes the careful route, and the drift names the misfit once."""
    careful: list[int] = []
    real = decode_any.table_of

    def counted(found: list[dict[str, Any]], schema: Any) -> Any:  # noqa: ANN401 - as the real one has it
        careful.append(len(found))
        return real(found, schema)

    monkeypatch.setattr(decode_any, "table_of", counted)
    found: list[dict[str, Any]] = [{"id": f"{number:06}", "one": {"x": "y" * 90}} for number in range(40_000)]
    found[20_000]["count"] = "many"
    body = body_of(found)
    assert len(body) > decode_slices.SLICE_BYTES
    page = decode(body, schema=SMALL, records_key="records")
    assert page.drift == {"count (not an integer of 64 bits)": 1}
    assert page.table is not None
    assert page.table.num_rows == len(found)
    assert len(careful) == 1
    assert careful[0] < len(found) / 1.5
    whole = decode_carefully(body, schema=SMALL, records_key="records").table
    assert page.table.equals(whole)


def test_lists_inside_of_records_are_not_cut() -> None:
    """Where inner objects begin as the records do, cuts are still made between records, and each slice is quick."""
    inner = [{"any": None, "grid": [[1]]}] * 5
    text = json.dumps([{"any": None, "many": inner} for _ in range(50)]).encode()
    pieces = list(decode_slices.slices(memoryview(text), 1000))
    assert len(pieces) > 5
    assert sum(len(json.loads(piece)) for piece in pieces) == 50
    assert all(decode_fast.table_of(piece, SMALL) is not None for piece in pieces)


def test_drift_of_slices_is_bounded() -> None:
    """A server that invents names in every slice fills neither memory nor manifest."""
    found = {f"name{number}": 2 for number in range(300)} | {"(more)": 5}
    bounded = decode_any.bounded_drift(found)
    assert len(bounded) == decode_any.PATTERNS + 1
    assert sum(bounded.values()) == 605
