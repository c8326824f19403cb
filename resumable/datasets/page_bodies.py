"""Reads an answer's body as a page, and refuses what is none: an empty page is a claim that has to be made."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from resumable.datasets.contract import Answer, no_json, quoting
from resumable.datasets.error_bodies import ERROR_WORDS, error_in
from resumable.errors import ProtocolFault
from resumable.models import Said
from resumable.redaction import Redactor
from resumable.schema.decode import Decoded, Presence, decode
from resumable.schema.decode_any import table_of
from resumable.schema.schema import Schema
from resumable.schema.strict_json import NotJson


def _null_where_none_are_named(said: Said, presence: Presence) -> bool:
    return presence is Presence.NULL and said.page_count == 0


@dataclass(frozen=True, kw_only=True)
class Found:
    """An answer whose records are not in a plain list of its own, and they; None where there are none to be seen."""

    answer: Mapping[str, Any]
    presence: Presence
    records: list[dict[str, Any]] | None


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What a contract says of its answers beside their records."""

    records_key: str
    members: Collection[str]
    """Those that are read."""
    within: Sequence[str] = ()
    """The objects that the records are inside of, the outermost first, where they are not at the top."""
    may_lack: Callable[[Said, Presence], bool] = _null_where_none_are_named
    """Whether an answer that says this may have no list of records, by the contract's documents."""
    documented: bool = True
    """Whether all that its answers hold is known, so that a word of an error is one."""

    @property
    def path(self) -> str:
        """Where the records are, in words."""
        return ".".join((*self.within, self.records_key))


def read_answer(
    body: bytes,
    schema: Schema,
    *,
    envelope: Envelope,
    redactor: Redactor,
    said: Callable[[Mapping[str, Any]], Said],
    shape: Callable[[bytes], Found] | None = None,
) -> Answer:
    """Read a body as a page; `said` reads the members beside the records; `shape` finds these where `decode` cannot.

    A page is only what is one: where no record came, the records' key is there or the contract documents its absence,
    and nothing speaks of an error. Raises ProtocolFault with the start of the body, scrubbed, and all of it beside.
    """
    key, within, own = envelope.records_key, envelope.within, {*envelope.members, *envelope.within}
    try:
        if shape is None:
            page = decode(body, schema=schema, records_key=key, envelope={*own, *ERROR_WORDS}, within=within)
        else:
            page = _shaped(shape(body), schema, {*own, *ERROR_WORDS})
        named = said(page.envelope)
    except NotJson as error:
        raise no_json(error, body, redactor) from None
    except ProtocolFault as error:
        raise ProtocolFault(quoting(error.reason, body, redactor), answer=redactor.whole(body)) from None
    empty = page.table is None or page.table.num_rows == 0
    how = {Presence.ABSENT: "is missing", Presence.NULL: "is null", Presence.LIST: "is empty"}[page.presence]
    emptiness = quoting(f"{envelope.path} {how}", body, redactor) if empty else ""
    if word := error_in(page.envelope, own=own | {key}, documented=envelope.documented, empty=empty):
        why = f"the answer is no page: it speaks of an error ({word})"
        raise ProtocolFault(quoting(why, body, redactor), answer=redactor.whole(body))
    if page.table is None and not envelope.may_lack(named, page.presence):
        raise ProtocolFault(emptiness, answer=redactor.whole(body))
    if envelope.documented and page.table is not None and (lacking := without_key(page.table, schema.key)):
        why = f"{lacking} of {page.table.num_rows} records have no usable {schema.key}"
        raise ProtocolFault(quoting(why, body, redactor), answer=redactor.whole(body))
    table = page.table
    if table is not None and redactor.private is not None:
        table = redactor.private(table, schema)
    return Answer(table=table, said=named, drift=page.drift, emptiness=emptiness)


def _shaped(found: Found, schema: Schema, envelope: Collection[str]) -> Decoded:
    kept = {name: found.answer[name] for name in envelope if name in found.answer}
    if found.records is None:
        return Decoded(table=None, presence=found.presence, envelope=kept, drift={})
    table, drift = table_of(found.records, schema)
    return Decoded(table=table, presence=found.presence, envelope=kept, drift=drift)


def without_key(table: pa.Table, key: str) -> int:
    """Return how many records name no key, or none that tells them from others: such a record is none of the API's."""
    column = table.column(key)
    # Not compared with "": making an Arrow value of a Python one brings in pandas wherever it is installed, 40 MB.
    filled = pc.sum(pc.cast(pc.binary_length(column), pa.bool_())).as_py() or 0
    return len(column) - int(filled)
