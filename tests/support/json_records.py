"""Made-up records of any schema: well-formed ones, and ones with misfits and unknown members anywhere."""

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node, ObjectOf

ODD_NAMES = ["", "/", "~", "~1", "a/b", "0", "_unmapped", "newField", "ключ", "\ud800", "id", "value"]
NAMES = st.sampled_from(ODD_NAMES)
SOME_TEXTS = ["", "a", "ü", "日本", "😀", "\x00", '"', "\\", "]}", "[{", "2023-10-01", "x" * 300]
TEXTS = st.sampled_from(SOME_TEXTS) | st.text(max_size=6)
ODD_TEXTS = TEXTS | st.sampled_from(["\ud800", "\udc00x", "2023-10-01T00:00:00", "2023-10-01T00:00:00.1234Z"])
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1.0, -0.0, 1.5, 2.0**53, 1e308, 5e-324])
INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5)
ODD_INTEGERS = st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**63, -(2**63) - 1, 10**40])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | ODD_INTEGERS | NUMBERS | ODD_TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


FORMS: list[Callable[[datetime], str]] = [
    _instant,
    lambda moment: moment.isoformat(timespec="seconds") + "Z",
    lambda moment: moment.isoformat(" ", timespec="milliseconds") + "Z",
]
ODD_FORMS: list[Callable[[datetime], str]] = [
    lambda moment: moment.isoformat(timespec="milliseconds") + "+02:00",
    lambda moment: moment.isoformat(timespec="seconds") + "-09:30",
    lambda moment: moment.isoformat(timespec="milliseconds"),
    lambda moment: moment.isoformat(timespec="microseconds") + "Z",
    lambda moment: moment.isoformat(timespec="minutes") + "Z",
]


def instants(forms: list[Callable[[datetime], str]]) -> st.SearchStrategy[str]:
    """Draw texts of moments, in any of the forms."""
    return st.builds(lambda form, moment: form(moment), st.sampled_from(forms), st.datetimes())


FITTING: dict[ColumnKind, st.SearchStrategy[Any]] = {
    ColumnKind.TEXT: TEXTS,
    ColumnKind.INTEGER: INTEGERS,
    ColumnKind.NUMBER: st.floats(-1e15, 1e15) | st.integers(-(2**53) + 1, 2**53 - 1),
    ColumnKind.FLAG: st.booleans(),
    ColumnKind.INSTANT: instants(FORMS),
    ColumnKind.DATE: TEXTS,
    ColumnKind.TEXT_MAP: st.dictionaries(TEXTS, TEXTS, max_size=4),
    ColumnKind.JSON: ANY_JSON,
}


def records(node: Node, *, odd: bool, members: int = 4) -> st.SearchStrategy[Any]:
    """Draw values of a node; with `odd`, anything may stand anywhere but in the place of a whole record."""
    return _Drawing(odd=odd, members=members).value(node, top=True)


class _Drawing:
    def __init__(self, *, odd: bool, members: int) -> None:
        self.odd = odd
        self.members = members
        self.made: dict[int, st.SearchStrategy[Any]] = {}

    def value(self, node: Node, *, top: bool = False) -> st.SearchStrategy[Any]:
        """Draw a value of a node, sometimes null and, when odd, sometimes something else altogether."""
        if top:
            return self._fitting(node)
        if id(node) not in self.made:
            choices = [self._fitting(node)] * 6 + [st.none()]
            odd = [instants(ODD_FORMS), ODD_INTEGERS, ANY_JSON]
            self.made[id(node)] = st.one_of(*choices, *(odd if self.odd else []))
        return self.made[id(node)]

    def _fitting(self, node: Node) -> st.SearchStrategy[Any]:
        if isinstance(node, Leaf):
            return FITTING[node.kind]
        if isinstance(node, ListOf):
            return st.lists(st.deferred(lambda: self.value(node.element)), max_size=3)
        some = st.lists(st.sampled_from(sorted(node.members)), unique=True, max_size=self.members)
        known = some.flatmap(
            lambda names: st.fixed_dictionaries({name: self.value(node.members[name]) for name in names})
        )
        if not self.odd:
            return known
        return st.builds(lambda unknown, kept: {**unknown, **kept}, st.dictionaries(NAMES, ANY_JSON, max_size=1), known)


def large_records(node: ObjectOf, *, odd: bool) -> st.SearchStrategy[Any]:
    """Draw records with something in every corner of a deep schema, which `records` rarely reaches.

    They come from a seed, and so do not shrink; with `odd`, one value in forty is not what it should be.
    """
    return st.integers(0, 2**32).map(lambda seed: _Seeded(random.Random(seed), odd=odd).members(node, 0))


class _Seeded:
    def __init__(self, rng: random.Random, *, odd: bool) -> None:
        self.rng = rng
        self.odd = odd

    def members(self, node: ObjectOf, depth: int) -> dict[str, Any]:
        """Make an object: most of what is inside it, some of its leaves."""
        share = self.rng.choice([0.1, 0.3, 0.9])
        kept = {
            name: self.value(member, depth + 1)
            for name, member in node.members.items()
            if self.rng.random() < (share if isinstance(member, Leaf) else 0.8 - depth / 10)
        }
        if self.odd and self.rng.random() < 0.1:
            kept[self.rng.choice(ODD_NAMES)] = self.anything()
        return kept

    def value(self, node: Node, depth: int) -> Any:  # noqa: ANN401 - any JSON value
        """Make a value of a node, or now and then null or anything at all."""
        if self.rng.random() < 0.025:
            return self.anything() if self.odd else None
        if isinstance(node, Leaf):
            return self.leaf(node.kind)
        if isinstance(node, ListOf):
            return [self.value(node.element, depth + 1) for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]
        return self.members(node, depth)

    def leaf(self, kind: ColumnKind) -> Any:  # noqa: ANN401 - any JSON value
        """Make a leaf that fits."""
        rng = self.rng
        if kind is ColumnKind.INTEGER:
            return rng.choice([0, -1, 2**63 - 1, -(2**63), rng.randrange(10**6)])
        if kind is ColumnKind.NUMBER:
            return rng.choice([0, 4.5, -0.1, 2**53 - 1, rng.random(), rng.randrange(10**6)])
        if kind is ColumnKind.FLAG:
            return rng.random() < 0.5
        if kind is ColumnKind.INSTANT:
            first = datetime(1, 1, 1, tzinfo=UTC).replace(tzinfo=None)
            moment = first + timedelta(days=rng.randrange(3_600_000), milliseconds=rng.randrange(86_400_000))
            return rng.choice(FORMS + (ODD_FORMS if self.odd and rng.random() < 0.05 else []))(moment)
        if kind is ColumnKind.TEXT_MAP:
            return {rng.choice(SOME_TEXTS) + str(n): rng.choice(SOME_TEXTS) for n in range(rng.randrange(5))}
        return self.anything() if kind is ColumnKind.JSON else rng.choice(SOME_TEXTS)

    def anything(self) -> Any:  # noqa: ANN401 - any JSON value
        """Make a JSON value that fits nowhere in particular."""
        one: Any = self.rng.choice(
            [None, True, 0, 1.5, 2.0, 2**53 + 1, 2**63, "x", "\ud800", [], {}, [None, {"a": None}]]
        )
        return {self.rng.choice(ODD_NAMES): one} if self.rng.random() < 0.2 else one


def body_of(found: list[Any], **envelope: object) -> bytes:
    """Write an answer that lists records under `records`, some of its envelope before them and some behind."""
    before = dict(list(envelope.items())[::2])
    return json.dumps({**before, "records": found, **envelope}).encode()


def comes_back(node: Node, was: Any, now: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Tell whether `rebuild` kept its promise: no null members, an instant the same instant, the rest as it was."""
    if isinstance(node, Leaf) and node.kind is ColumnKind.INSTANT and isinstance(was, str) and was != now:
        return _same_moment(was, now)
    if isinstance(node, ListOf) and isinstance(was, list):
        return len(was) == len(now) and all(comes_back(node.element, a, b) for a, b in zip(was, now, strict=True))
    if isinstance(node, ObjectOf) and isinstance(was, dict):
        kept = {name for name, inner in was.items() if inner is not None}
        members = node.members
        return kept == now.keys() and all(
            comes_back(members[name], was[name], now[name])
            if name in members
            else same(without_nulls(was[name]), without_nulls(now[name]))
            for name in kept
        )
    return same(without_nulls(was), without_nulls(now))


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Drop null members of objects, at any depth; nulls in lists stay."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def same(left: Any, right: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Compare JSON values: numbers as numbers, but true is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def _same_moment(was: str, now: object) -> bool:
    assert isinstance(now, str)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now, re.ASCII)
    return datetime.fromisoformat(was) == datetime.fromisoformat(now) and len(was) <= len(
        "2023-10-01T00:00:00.000+00:00"
    )
