"""Leaves out of tables of records what is private, or hashes it; a schema stays as it is: what is left out is null.

Tables are what both routes of decoding, and exports, have in common.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node, ObjectOf
from resumable.schema.pointers import tokens
from resumable.schema.privacy import PrivacyRules
from resumable.schema.schema import UNMAPPED, Schema, arrow_fields, arrow_type

_KEPT: Final = "keep"
_DROPPED: Final = "drop"
_HASHED: Final = "hash"
_Plan: TypeAlias = "str | Mapping[str, _Plan]"
"""What becomes of a field: one of these words, or of its members."""


class PrivateTables:
    """Makes tables of records private by the rules of a job."""

    def __init__(self, rules: PrivacyRules, hashed: Callable[[str], str]) -> None:
        """`hashed` returns the keyed hash of a text."""
        self._rules = rules
        self._hashed = hashed

    def __call__(self, table: pa.Table, schema: Schema, whole: Schema | None = None) -> pa.Table:
        """Return the records with what is private left out or hashed; theirs is a part of the schema `whole`."""
        whole = whole or schema
        plan = _plan(whole, self._rules)
        pieces = [
            pa.Table.from_arrays(
                [
                    self._top(name, array, schema, whole or schema, plan)
                    for name, array in zip(batch.schema.names, batch.columns, strict=True)
                ],
                schema=table.schema,
            )
            for batch in table.to_batches()
        ]
        return pa.concat_tables(pieces).combine_chunks() if pieces else table

    def _top(self, name: str, array: pa.Array, schema: Schema, whole: Schema, plan: _Plan) -> pa.Array:
        if name == UNMAPPED:
            return self._unmapped(array, whole, plan)
        return self._column(array, schema.root.members[name], _of(plan, name))

    def _column(self, array: pa.Array, node: Node, plan: _Plan) -> pa.Array:
        if plan == _KEPT:
            return array
        if plan == _DROPPED:
            return pa.nulls(len(array), arrow_type(node))
        mask = array.is_null() if array.null_count else None
        if isinstance(node, ListOf):
            lengths = pc.fill_null(pc.cast(pc.list_value_length(array), pa.int64()), 0)
            ends = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
            elements = self._column(pc.list_flatten(array), node.element, plan)
            return pa.ListArray.from_arrays(pc.cast(ends, pa.int32()), elements, type=arrow_type(node), mask=mask)
        if isinstance(node, ObjectOf):
            made = [
                self._column(pc.struct_field(array, [place]), member, _of(plan, name))
                for place, (name, member) in enumerate(node.members.items())
            ]
            return pa.StructArray.from_arrays(made, fields=arrow_fields(node), mask=mask)
        return self._texts(array, node)

    def _texts(self, array: pa.Array, leaf: Leaf) -> pa.Array:
        if leaf.kind is ColumnKind.TEXT_MAP:
            maps = (None if each is None else dict(each) for each in array.to_pylist())
            found = [None if m is None else [(name, self._hash(value)) for name, value in m.items()] for m in maps]
            return pa.array(found, arrow_type(leaf))
        known = array.dictionary_encode()
        hashes = pa.array([self._hash(each) for each in known.dictionary.to_pylist()], pa.string())
        return hashes.take(known.indices)

    def _hash(self, value: str | None) -> str | None:
        return None if value is None else self._hashed(value)

    def _unmapped(self, array: pa.Array, schema: Schema, plan: _Plan) -> pa.Array:
        """Leave out what no column holds and a rule speaks of, or speaks of a part of."""
        if array.null_count == len(array):
            return array
        found = []
        for text in array.to_pylist():
            held = {} if text is None else json.loads(text)
            kept = {at: value for at, value in held.items() if self._may_stay(plan, schema.root, tokens(at))}
            found.append(json.dumps(kept, separators=(",", ":")) if kept else None)
        return pa.array(found, pa.string())

    def _may_stay(self, plan: _Plan, node: Node, path: list[str]) -> bool:
        for token in path:
            if isinstance(plan, str):
                break
            if isinstance(node, ListOf):
                node = node.element
                continue
            if not isinstance(node, ObjectOf) or token not in node.members:
                return self._rules.unknown and not self._rules.only
            plan, node = plan[token], node.members[token]
        return plan == _KEPT and self._rules.unknown


@lru_cache(maxsize=64)
def _plan(schema: Schema, rules: PrivacyRules) -> _Plan:
    return _planned(schema.root, "", rules, _DROPPED if rules.only else _KEPT)


def _planned(node: Node, path: str, rules: PrivacyRules, usual: str) -> _Plan:
    """Say what becomes of a field: a hash comes before a drop, and a drop before what is all that is kept."""
    if path in rules.hash:
        return _HASHED
    if path in rules.only:
        usual = _KEPT
    if path in rules.drop:
        usual = _DROPPED
    while isinstance(node, ListOf):
        node = node.element
    if isinstance(node, Leaf):
        return usual
    # A rule may speak of a part of it: what is dropped as a whole can still have a hash inside.
    inner = {name: _planned(member, f"{path}.{name}" if path else name, rules, usual)
             for name, member in node.members.items()}  # fmt: skip
    first = next(iter(inner.values()))
    return first if first != _HASHED and all(each == first for each in inner.values()) else inner


def _of(plan: _Plan, name: str) -> _Plan:
    return plan if isinstance(plan, str) else plan[name]
