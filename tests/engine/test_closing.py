"""The closing check: what adds up is complete, what does not is taken again, and two takes that agree settle it."""

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from resumable.engine.closing import Verdict, judge
from resumable.manifest.rows import WindowRow
from resumable.models import Snapshot, Window, WindowState
from resumable.schema.registry import pinned
from tests.support.builders import days

SCHEMA = pinned("conversation")


def verdict(
    *pages: list[str] | list[None],
    total: int | None = None,
    page_count: int | None = None,
    page_size: int | None = 2,
    moved: bool = False,
    before: bytes | None = None,
) -> Verdict:
    """Judge a window of these keys, page by page."""
    count = len(pages) if page_count is None else page_count
    window = Window(
        id=1,
        interval=next(days(1)),
        state=WindowState.OPEN,
        take=1,
        snapshot=Snapshot(number=1, page_count=count, total=total),
        fingerprint=before,
    )
    row = WindowRow(window=window, done=len(pages), moved=moved)
    return judge(row, (pa.chunked_array([pa.array(page, pa.string())]) for page in pages), SCHEMA, page_size=page_size)


def test_records_that_add_up_to_the_total_are_complete() -> None:
    """Three records of three named, each once, no answer that named another count."""
    assert verdict(["a", "b"], ["c"], total=3).complete
    assert verdict(total=0).complete


DOUBTS = {
    "too few": (verdict(["a"], total=3), "1 records came, 3 were named"),
    "too many": (verdict(["a", "b"], total=1), "2 records came, 1 were named"),
    "none of some": (verdict(total=3), "0 records came, 3 were named"),
    "one twice": (verdict(["a", "b"], ["a"], total=3), "1 records came twice"),
    "counts that differ": (verdict(["a"], total=1, moved=True), "answers named different counts"),
    "pages that are not full": (verdict(["a"], ["b"]), "2 records do not fill 2 pages of 2"),
    "pages that are too full": (verdict(["a", "b", "c"]), "3 records do not fill 1 pages of 2"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_does_not_add_up_is_not_complete(doubt: str) -> None:
    """Every doubt is named in words."""
    found, why = DOUBTS[doubt]
    assert not found.complete
    assert why in found.why


def test_two_takes_with_the_same_records_settle_it() -> None:
    """A total that is only approximate does not keep a window open for ever: the same set twice is believed."""
    first = verdict(["a", "b"], total=3)
    second = verdict(["b", "a"], total=4, moved=True, before=first.fingerprint)
    assert (first.complete, second.complete, second.settled) == (False, True, True)
    assert not verdict(["a", "c"], total=4, before=first.fingerprint).complete


def test_a_take_that_adds_up_needs_no_settling() -> None:
    """Agreeing with the take before is nothing special where nothing is in doubt."""
    first = verdict(["a", "b"], total=2)
    again = verdict(["a", "b"], total=2, before=first.fingerprint)
    assert (again.complete, again.settled, again.why) == (True, False, "")


def test_where_nothing_is_counted_nothing_has_to_add_up() -> None:
    """A contract that names neither total nor page count is judged by duplicates alone."""
    assert verdict(["a"], ["b"], page_size=None).complete
    assert not verdict(["a"], ["a"], page_size=None).complete


def test_a_smaller_page_that_the_server_named_counts() -> None:
    """Where the server says that it uses pages of 1, two records fill two of them."""
    window = Window(
        id=1,
        interval=next(days(1)),
        state=WindowState.OPEN,
        take=1,
        snapshot=Snapshot(number=1, page_count=2, total=None, page_size=1),
        fingerprint=None,
    )
    row = WindowRow(window=window, done=2, moved=False)
    assert judge(row, [pa.chunked_array([["a"], ["b"]])], SCHEMA, page_size=100).complete


def test_no_pages_at_all_can_be_judged() -> None:
    """An empty window is complete with 0 records."""
    assert verdict(page_count=0).complete


@given(keys=st.lists(st.text(max_size=3), max_size=12), cut=st.integers(min_value=0, max_value=12))
def test_the_fingerprint_is_of_the_set(keys: list[str], cut: int) -> None:
    """Order, pages and repetitions do not change it; any other set does."""
    one = verdict(keys[:cut], keys[cut:])
    other = verdict(sorted(keys, reverse=True), keys[:1])
    assert one.fingerprint == other.fingerprint
    assert verdict([*keys, "other"]).fingerprint != one.fingerprint
    assert one.duplicates == len(keys) - len(set(keys))


def test_keys_that_only_look_alike_are_kept_apart() -> None:
    """Where one key ends and the next begins is part of the fingerprint."""
    assert verdict(["ab", "c"]).fingerprint != verdict(["a", "bc"]).fingerprint


def test_records_without_any_key_settle_nothing() -> None:
    """They are the same set in every take, whatever they are."""
    first = verdict([None, None], total=3)
    assert not verdict([None, None], total=3, before=first.fingerprint).complete
