"""One answer's body becomes one Arrow table: every record a row, every value where it belongs, none changed."""

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from resumable.schema import decode_any, decode_fast, decode_slices
from resumable.schema.schema import Schema
from resumable.schema.strict_json import NotJson, bounded, strict_json


class NotRecords(NotJson):
    """A body is strict JSON, but where its records should be there is something else; `reason` names the member."""


class Presence(enum.StrEnum):
    """How an answer held its records."""

    LIST = "list"
    """As a list, perhaps an empty one."""
    NULL = "null"
    """As null."""
    ABSENT = "absent"
    """Not at all."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """One answer, read."""

    table: pa.Table | None
    """One row for each record, the columns of the schema; None where the answer had no list of records."""
    presence: Presence
    envelope: Mapping[str, Any]
    """Those of the asked-for members beside the records that were there, as plain values; null is None."""
    drift: Mapping[str, int]
    """What went to `_unmapped`: a pattern such as `participants[].newField`, with the reason where the field is known
    and its value does not fit, and how often. Empty on nearly every page."""


def decode(
    body: bytes, *, schema: Schema, records_key: str, envelope: Collection[str] = (), within: Sequence[str] = ()
) -> Decoded:
    """Read an answer so that `rebuild` gives back every record exactly; raise NotJson or NotRecords otherwise.

    `records_key` names the member that lists the records, `envelope` the other members that the caller wants (a mapping
    will do, its keys are taken); further members are let pass. Pages that fit the schema take the fast route, through
    pyarrow.json; all others the careful one, which is slower and keeps what does not fit in `_unmapped`. Which one it
    was shows in nothing but the time, nor does it that a long page is read in slices. Records that are not at the top
    are `within` objects, named from the outermost in, and always take the careful route; the `envelope` is at the top
    all the same.
    """
    bounded(body)
    found = None if within else decode_fast.cut(body, records_key)
    if found is not None:
        read = decode_slices.table_of(found.records, schema)
        if read is not None:
            kept = _asked(found.around, records_key, envelope)
            return Decoded(table=read[0], presence=Presence.LIST, envelope=kept, drift=read[1])
    return decode_carefully(body, schema=schema, records_key=records_key, envelope=envelope, within=within)


def decode_carefully(
    body: bytes, *, schema: Schema, records_key: str, envelope: Collection[str] = (), within: Sequence[str] = ()
) -> Decoded:
    """Do what `decode` does, by the careful route alone."""
    answer, presence, records = records_of(body, (*within, records_key))
    kept = _asked(answer, "" if within else records_key, envelope)
    if records is None:
        return Decoded(table=None, presence=presence, envelope=kept, drift={})
    table, drift = decode_any.table_of(records, schema)
    return Decoded(table=table, presence=presence, envelope=kept, drift=drift)


def records_of(body: bytes, path: Sequence[str]) -> tuple[dict[str, Any], Presence, list[dict[str, Any]] | None]:
    """Return an answer and the records that a path leads to, as plain values; raise NotJson or NotRecords."""
    answer = strict_json(body)
    if not isinstance(answer, dict):
        raise NotRecords("the answer is not a JSON object", body=body)
    inner: Any = answer
    for depth, name in enumerate(path, 1):
        outer, inner = inner, inner.get(name)
        where = ".".join(path[:depth])
        if inner is None:
            return answer, Presence.NULL if name in outer else Presence.ABSENT, None
        if depth < len(path) and not isinstance(inner, dict):
            raise NotRecords(f"{where} is not a JSON object", body=body)
    if not isinstance(inner, list):
        raise NotRecords(f"{where} is not a list", body=body)
    for number, record in enumerate(inner):
        if not isinstance(record, dict):
            raise NotRecords(f"{where}[{number}] is not a JSON object", body=body)
    return answer, Presence.LIST, inner


def _asked(answer: Mapping[str, Any], records_key: str, envelope: Collection[str]) -> dict[str, Any]:
    return {name: answer[name] for name in envelope if name in answer and name != records_key}
