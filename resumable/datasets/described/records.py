"""Where the records of an answer are: in a list, in lists of a list, or at the top; and what names each of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from resumable.datasets.described.template import Keys
from resumable.datasets.page_bodies import Found
from resumable.schema.decode import NotRecords, Presence
from resumable.schema.strict_json import bounded, strict_json
from resumable.tomlfile import Table

TOP: Final = "."
"""In the place of a way: the answer itself is the list."""

EACH: Final = "[]"
"""Behind a name of the way: what follows is in every object of that list, and the record has their other members."""

COMPOSED: Final = "_key"
"""The column that holds the members that name a record together, as a JSON list."""


@dataclass(frozen=True, kw_only=True)
class KeyPart:
    """A member of the record that is a part of its name."""

    path: Keys
    optional: bool
    """Whether a record may lack it: it is null in the name then."""


def read_place(table: Table) -> Keys:
    """Read where the records are. Raises UsageError."""
    if table.raw.get("records") == TOP:
        table.taken["records"] = TOP
        return (TOP,)
    names = table.path("records")
    if not names:
        raise table.missing("records")
    if names[-1].endswith(EACH) or EACH in names:
        raise table.error("records", "is not the way to a list", hint='Write "results[].data", for one.')
    return names


def read_key(table: Table) -> tuple[str, tuple[KeyPart, ...]]:
    """Read what names a record: the column, and the members that it is made of. Raises UsageError."""
    raw = table.raw.get("key")
    if not isinstance(raw, list):
        return table.required_text("key"), ()
    if not raw or not all(isinstance(each, str) and each.strip("?.") and ".." not in each for each in raw):
        raise table.error("key", "is not a list of members", hint='Write ["group.queueId?", "interval"], for one.')
    table.taken["key"] = raw
    parts = tuple(KeyPart(path=tuple(each.removesuffix("?").split(".")), optional=each.endswith("?")) for each in raw)
    if all(part.optional for part in parts):
        raise table.error("key", "holds optional members only, and a record could be without a name")
    return COMPOSED, parts


def found(body: bytes, way: Keys, key: Sequence[KeyPart] = (), added: Mapping[str, str] | None = None) -> Found:
    """Return the records of an answer, each with what is added to it and with its name where that is composed.

    Raises NotJson, and NotRecords for anything that is not where it should be: nothing is passed over.
    """
    bounded(body)
    answer = strict_json(body)
    try:
        listed = _listed(answer, way)
        if listed.records is None:
            return listed
        return Found(
            answer=listed.answer,
            presence=listed.presence,
            records=[_named(record, key, added or {}, number) for number, record in enumerate(listed.records)],
        )
    except _Misplaced as error:
        raise NotRecords(error.args[0], body=body) from None


class _Misplaced(Exception):
    """Something is not where the description has it."""


def _listed(answer: object, way: Keys) -> Found:
    if way == (TOP,):
        return Found(answer={}, presence=Presence.LIST, records=[*_objects(answer, "the answer")])
    if not isinstance(answer, dict):
        raise _Misplaced("the answer is not a JSON object")
    first = way[0].removesuffix(EACH)
    if answer.get(first) is None:
        presence = Presence.NULL if first in answer else Presence.ABSENT
        return Found(answer=answer, presence=presence, records=None)
    inner: object = answer
    for name in way[:-1]:
        if name.endswith(EACH):
            break
        inner = inner.get(name) if isinstance(inner, dict) else None
    if isinstance(inner, dict) and inner.get(way[-1], 0) is None and not any(name.endswith(EACH) for name in way):
        return Found(answer=answer, presence=Presence.NULL, records=None)
    return Found(answer=answer, presence=Presence.LIST, records=[*_below(answer, way, {}, "")])


def _below(outer: Mapping[str, Any], way: Keys, inherited: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    name = way[0].removesuffix(EACH)
    here = f"{where}.{name}" if where else name
    if len(way) == 1:
        for record in _objects(outer.get(name), here):
            if both := sorted(inherited.keys() & record.keys()):
                raise _Misplaced(f"{both[0]} is a member of {here}[] and of what it is in")
            yield {**inherited, **record}
    elif way[0].endswith(EACH):
        following = way[1].removesuffix(EACH)
        for number, each in enumerate(_objects(outer.get(name), here)):
            own = {key: value for key, value in each.items() if key != following}
            yield from _below(each, way[1:], {**inherited, **own}, f"{here}[{number}]")
    else:
        inner = outer.get(name)
        if not isinstance(inner, dict):
            raise _Misplaced(f"{here} is not a JSON object")
        yield from _below(inner, way[1:], inherited, here)


def _objects(value: object, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise _Misplaced(f"{where} is not a list")
    for number, each in enumerate(value):
        if not isinstance(each, dict):
            raise _Misplaced(f"{where}[{number}] is not a JSON object")
    return value


def _named(record: dict[str, Any], key: Sequence[KeyPart], added: Mapping[str, str], number: int) -> dict[str, Any]:
    for name, value in added.items():
        if record.get(name, value) != value:
            raise _Misplaced(f"record {number} says that its {name} is another than the one asked for")
    whole = {**added, **record}
    if not key:
        return whole
    if COMPOSED in record:
        raise _Misplaced(f"record {number} has a {COMPOSED} of its own")
    names = [_part(whole, part, number) for part in key]
    return {COMPOSED: json.dumps(names, ensure_ascii=False, separators=(",", ":")), **whole}


def _part(record: Mapping[str, Any], part: KeyPart, number: int) -> str | int | None:
    value: Any = record
    for name in part.path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None and part.optional:
        return None
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise _Misplaced(f"record {number} has no usable {'.'.join(part.path)}, which is a part of its key")
    return value
