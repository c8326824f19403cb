"""The data dictionary: every column of the analytics has its meaning, and none is of a field that there is not."""

from collections.abc import Iterator

import pytest

from resumable.datasets.catalogue import CATALOGUE
from resumable.datasets.resolve import get
from resumable.errors import UsageError
from resumable.export.dictionary import dictionary
from resumable.export.shape import make
from resumable.export.tables import tables
from resumable.schema.fields import ListOf, Node, ObjectOf
from resumable.schema.meanings import list_meanings, meaning_of, meanings
from resumable.schema.registry import pinned

SCHEMAS = ("conversation", "user-detail", "wrapup-code")


def objects(node: Node, path: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the place and the fields of each object of a tree."""
    while isinstance(node, ListOf):
        node = node.element
    if isinstance(node, ObjectOf):
        yield path, set(node.members)
        for name, member in node.members.items():
            yield from objects(member, f"{path}.{name}")


def test_every_field_has_its_meaning_and_no_other_has() -> None:
    """Of conversations, users' details and wrap-up codes, object by object."""
    known = {place: set(fields) for place, fields in meanings().items() if place != "interactions"}
    expected = {place: fields for name in SCHEMAS for place, fields in objects(pinned(name).root, name)}
    assert known == expected


def test_every_column_of_every_dataset_has_its_meaning_and_no_other_name_has() -> None:
    """Lists, aggregates and audits too, by the names of their columns."""
    named: set[str] = set()
    schemas, columns = list_meanings()
    for dataset in CATALOGUE:
        schema = get(dataset).schema
        for place, fields in objects(schema.root, schema.name):
            path = place.split(".")[1:]
            assert [name for name in fields if not meaning_of(schema.name, (*path, name))] == [], (dataset, place)
            named |= set() if schema.name in SCHEMAS else fields
    assert {*columns} == named
    assert schemas == {get(dataset).schema.name for dataset in CATALOGUE} - {*SCHEMAS}


def test_a_meaning_is_a_short_phrase() -> None:
    """So that it fits a line: one, without a full stop."""
    for place, fields in [*meanings().items(), ("lists", list_meanings()[1])]:
        for name, text in fields.items():
            assert 2 < len(text) <= 110, (place, name)
            assert not text.removesuffix("...").endswith("."), (place, name)


def test_the_dictionary_has_the_columns_that_an_export_has() -> None:
    """Of each table, in order."""
    for name in SCHEMAS:
        for table in tables(pinned(name), name):
            found = [each.name for each in dictionary(pinned(name), name, table)]
            assert found == make(pinned(name), name, table=table, names={}).schema.names, (name, table)
    with pytest.raises(UsageError, match="no table"):
        dictionary(pinned("queue"), "queues", "interactions")
