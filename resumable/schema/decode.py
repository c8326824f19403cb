"""One answer's body becomes one Arrow table: every record a row, every value where it belongs, none changed."""

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from resumable.schema import careful, fast
from resumable.schema.model import Schema
from resumable.schema.strict import NotJson, strict_json


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


def decode(body: bytes, *, schema: Schema, records_key: str, envelope: Collection[str] = ()) -> Decoded:
    """Read an answer so that `rebuild` gives back every record exactly; raise NotJson or NotRecords otherwise.

    `records_key` names the member that lists the records, `envelope` the other members that the caller wants (a mapping
    will do, its keys are taken); further members are let pass. Pages that fit the schema take the fast route, through
    pyarrow.json; all others the careful one, which is slower and keeps what does not fit in `_unmapped`. Which one it
    was shows in nothing but the time.
    """
    found = fast.cut(body, records_key)
    if found is not None:
        table = fast.table_of(found.records, schema)
        if table is not None:
            kept = _asked(found.around, records_key, envelope)
            return Decoded(table=table, presence=Presence.LIST, envelope=kept, drift={})
    return decode_carefully(body, schema=schema, records_key=records_key, envelope=envelope)


def decode_carefully(body: bytes, *, schema: Schema, records_key: str, envelope: Collection[str] = ()) -> Decoded:
    """Do what `decode` does, by the careful route alone."""
    answer = strict_json(body)
    if not isinstance(answer, dict):
        raise NotRecords("the answer is not a JSON object", body=body)
    kept = _asked(answer, records_key, envelope)
    records = answer.get(records_key)
    if records is None:
        presence = Presence.NULL if records_key in answer else Presence.ABSENT
        return Decoded(table=None, presence=presence, envelope=kept, drift={})
    if not isinstance(records, list):
        raise NotRecords(f"{records_key} is not a list", body=body)
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise NotRecords(f"{records_key}[{number}] is not a JSON object", body=body)
    table, drift = careful.table_of(records, schema)
    return Decoded(table=table, presence=Presence.LIST, envelope=kept, drift=drift)


def _asked(answer: Mapping[str, Any], records_key: str, envelope: Collection[str]) -> dict[str, Any]:
    return {name: answer[name] for name in envelope if name in answer and name != records_key}
