"""Columns become JSON text by Arrow's kernels, and it is byte for byte what Python writes of their values."""

import json
import random
from typing import Any

import pyarrow as pa
import pytest

from resumable.schema import json_columns
from resumable.schema.decode import decode
from resumable.schema.fields import ColumnKind as Kind
from resumable.schema.fields import ListOf, ObjectOf
from resumable.schema.rebuild import plain
from resumable.schema.schema import Schema, build

SCHEMA = build(
    "made up",
    1,
    {
        "id": Kind.TEXT,
        'a "name"': Kind.TEXT,
        "whole": Kind.INTEGER,
        "number": Kind.NUMBER,
        "flag": Kind.FLAG,
        "at": Kind.INSTANT,
        "day": Kind.DATE,
        "free": Kind.TEXT_MAP,
        "any": Kind.JSON,
        "texts": [Kind.TEXT],
        "numbers": [Kind.NUMBER],
        "inside": {"one": Kind.TEXT, "two": [{"three": Kind.NUMBER, "four": {"five": Kind.TEXT}}]},
        "list": [{"name": Kind.TEXT, "free": Kind.TEXT_MAP, "deep": [{"flag": Kind.FLAG}]}],
    },
    "id",
    "at",
)
TEXTS = [
    "",
    "plain",
    'a "quoted"',
    "back\\slash",
    "\n\r\t\b\f\x00\x1f\x7f",
    "ünï 日本 😀 \u2028",
    ",",
    "x" * 5000,
    None,
]
NUMBERS = [0.0, -0.0, 1.0, -7.0, 0.1, 1e-3, 9.9e-4, 1e10, 9999999999.0, 1e15, 1e16, 1e22, 5e-324, 1.7e308, None]


def record(draw: random.Random, number: int) -> dict[str, Any]:
    """Return a record with any of its members absent, null or empty."""

    def text() -> str | None:
        return draw.choice(TEXTS)

    def value() -> float | None:
        return draw.choice([*NUMBERS, draw.uniform(-9e4, 9e4)])

    free = {f"k{n}": draw.choice(TEXTS[:-1]) for n in range(draw.randrange(3))}
    deep = [draw.choice([{}, {"flag": True}, {"flag": False}]) for _ in range(draw.randrange(3))]
    made = {
        'a "name"': text(),
        "whole": draw.choice([0, -1, 2**63 - 1, None]),
        "number": value(),
        "flag": draw.choice([True, False, None]),
        "day": text(),
        "free": draw.choice([free, {}, None]),
        "any": draw.choice([{"ü": [1, None, "\ud83d"]}, [], 1.5, "text", None]),
        "texts": [text() for _ in range(draw.randrange(4))],
        "numbers": [value() for _ in range(draw.randrange(4))],
        "inside": draw.choice([None, {}, {"one": text()}, {"two": [{"three": value()}, {"four": {}}, {}]}]),
        "list": [draw.choice([{}, {"name": text()}, {"free": free, "deep": deep}]) for _ in range(draw.randrange(4))],
    }
    kept = {name: made[name] for name in made if draw.random() < 0.7}
    return {"id": str(number), "at": f"2023-10-01T00:00:0{draw.randrange(9)}.{draw.randrange(1000):03d}Z", **kept}


def table(records: list[dict[str, Any]], schema: Schema = SCHEMA) -> pa.Table:
    """Return records as a page is decoded."""
    found = decode(json.dumps({"r": records}).encode(), schema=schema, records_key="r").table
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_column_is_the_text_that_python_writes(seed: int) -> None:
    """Each column of any kind, whole and sliced, with escapes, nulls, empty objects and every form of a number."""
    made = table([record(random.Random(f"{seed} {n}"), n) for n in range(150)])
    for rows in (made, made.slice(37, 50), made.slice(100, 1)):
        batch = rows.combine_chunks().to_batches()[0]
        for name, node in SCHEMA.root.members.items():
            column = batch.column(name)
            values = [None if v is None else json_columns.written(plain(node, v)) for v in column.to_pylist()]
            assert json_columns.texts(column, node).to_pylist() == values, name


def test_an_object_a_row_has_the_members_that_are_there() -> None:
    """Of rows that have none of them too: pyarrow would leave such a row out."""
    node = ObjectOf(members={name: SCHEMA.root.members[name] for name in ("whole", "flag")})
    found = [("whole", node.members["whole"], pa.array([1, None, None, 4])), ("flag", node.members["flag"], None)]
    flags = pa.array([True, None, False, None])
    pairs = [(name, member, flags if array is None else array) for name, member, array in found]
    made = json_columns.objects(json_columns.members(pairs), 4)
    assert made.to_pylist() == ['{"whole":1,"flag":true}', "{}", '{"flag":false}', '{"whole":4}']
    assert json_columns.objects([], 2).to_pylist() == ["{}", "{}"]
    inner = pa.StructArray.from_arrays([pa.array([1, None, None, 4]), flags], names=["whole", "flag"])
    assert json_columns.texts(inner, node).to_pylist() == made.to_pylist()
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 2, 4], pa.int32()), inner)
    assert json_columns.texts(lists, ListOf(element=node)).to_pylist() == [
        '[{"whole":1,"flag":true},{}]',
        "[]",
        '[{"flag":false},{"whole":4}]',
    ]
