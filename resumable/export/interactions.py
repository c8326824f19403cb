"""The table for the trade: one row for each stay of a conversation in a queue, by Genesys's definitions of metrics.

A stay is an ACD session. What agents did for its queue after it began belongs to it; work for a queue that no stay came
before, such as a call that an agent placed on behalf of a queue, is a row that was not offered.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from resumable.export.days import zone_of
from resumable.export.shape import Names, Shape, child_of, struct_of
from resumable.export.tables import INTERACTIONS, TableShape
from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node, ObjectOf
from resumable.schema.schema import Schema, arrow_type

_TEXT, _COUNT, _INSTANT = (Leaf(kind=kind) for kind in (ColumnKind.TEXT, ColumnKind.INTEGER, ColumnKind.INSTANT))
COLUMNS: Final[Mapping[str, Leaf]] = {
    **dict.fromkeys(("conversationId",), _TEXT),
    **dict.fromkeys(("interactionIndex",), _COUNT),
    **dict.fromkeys(("queueId", "queueName", "mediaType", "direction"), _TEXT),
    **dict.fromkeys(("offeredAt", "halfHour"), _INSTANT),
    **dict.fromkeys(("localHalfHour",), _TEXT),
    **dict.fromkeys(
        ("offered", "answered", "abandoned", "shortAbandoned", "flowedOut", "overSla", "transferred", "handled"), _COUNT
    ),
    **dict.fromkeys(("userId", "userName", "wrapUpCode", "wrapUpCodeName"), _TEXT),
    **dict.fromkeys(("waitMs", "talkMs", "holdMs", "acwMs", "handleMs"), _COUNT),
}
"""In order."""

_READ: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("conversationId", "conversationStart")),
    "participants": {
        **dict.fromkeys(("purpose", "userId")),
        "sessions": {
            **dict.fromkeys(("mediaType", "direction")),
            "metrics": dict.fromkeys(("name", "value")),
            "segments": dict.fromkeys(("segmentStart", "queueId", "wrapUpCode")),
        },
    },
}
"""Of a conversation; None stands for a leaf."""

_NAMED: Final = {"queueId": "queues", "userId": "users", "wrapUpCode": "wrapupcodes"}
_WAITS: Final = ("tAnswered", "tAbandon", "tFlowOut", "tWait", "tAcd")
"""What tells how long a stay was, the first that is there."""

_WANTED: Final = frozenset(
    {*_WAITS, "nOffered", "nOverSla", "nTransferred", "tShortAbandon", "tNotResponding", "tHandle", "tAcw"}
    | {"tTalk", "tTalkComplete", "tHeld", "tHeldComplete"}
)
_QUARTER_MS: Final = 900_000
"""No zone of our time is off by another fraction of an hour."""


@dataclass(slots=True)
class _Session:
    """What is needed of a session: whose it is, its queue, its times, its metrics by name."""

    purpose: str | None
    user: str | None
    media: str | None
    direction: str | None
    queue: str | None = None
    start: int | None = None
    wrap_up: str | None = None
    metrics: dict[str, list[int]] = field(default_factory=dict)

    @property
    def responded(self) -> bool:
        """Whether its agent took what rang."""
        return "tAnswered" in self.metrics or "tNotResponding" not in self.metrics


@dataclass(slots=True)
class _Stay:
    """A stay in a queue, and the sessions of the agents who worked on it."""

    queue: str
    first: _Session
    sessions: list[_Session]

    def values(self, name: str) -> list[int]:
        """Return every value of a metric, as it was emitted."""
        return [value for session in self.sessions for value in session.metrics.get(name, ())]

    def total(self, *names: str) -> int | None:
        """Return the sum of the first of these metrics that was emitted; None where none was."""
        return next((sum(found) for found in map(self.values, names) if found), None)

    @property
    def agent(self) -> str | None:
        """Who answered, or else who worked on it."""
        known = [each for each in self.sessions if each.user is not None and each.responded]
        return next((each.user for each in known if "tAnswered" in each.metrics), known[0].user if known else None)

    @property
    def wrap_up(self) -> str | None:
        """The last wrap-up code that an agent gave it."""
        return next((each.wrap_up for each in reversed(self.sessions) if each.wrap_up is not None), None)


@dataclass(frozen=True, kw_only=True)
class InteractionShape(Shape):
    """How conversations become interactions."""

    zone: tzinfo

    @property
    def columns(self) -> list[tuple[str, Node | None]]:
        """Name the columns of a row."""
        return list(COLUMNS.items())

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its rows."""
        return pa.schema([pa.field(name, arrow_type(leaf)) for name, leaf in COLUMNS.items()])

    def apply(self, table: pa.Table) -> pa.Table:
        """Return the interactions of some conversations, in their order."""
        names = {name: _called(self.names, of) for name, of in _NAMED.items()}
        halves = _HalfHours(self.zone)
        made: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        for batch in table.combine_chunks().to_batches():
            for row in _rows(batch, names, halves):
                for name, value in zip(COLUMNS, row, strict=True):
                    made[name].append(value)
        return pa.Table.from_arrays([_array(made[field.name], field.type) for field in self.schema], schema=self.schema)


def make(schema: Schema, *, zone: str, names: Names) -> InteractionShape:
    """Make the shape of a zone's half hours. Raises UsageError where there is no such zone."""
    known = zone_of(zone)
    read = replace(schema, root=_read(schema.root, _READ))
    return InteractionShape(
        records=read, whole=read, table=TableShape(name=INTERACTIONS, levels=()), names=names, zone=known
    )


def _read(node: Node, wanted: Mapping[str, Any]) -> ObjectOf:
    """Return an object, or those of a list, with the members that are read."""
    while isinstance(node, ListOf):
        node = node.element
    if not isinstance(node, ObjectOf):
        raise TypeError("there are members of no object")
    members: dict[str, Node] = {}
    for name, member in node.members.items():
        if name in wanted:
            inner = wanted[name]
            members[name] = member if inner is None else ListOf(element=_read(member, inner))
    return ObjectOf(members=members)


def _called(names: Names, dataset: str) -> dict[str, str]:
    ids, called = names.get(dataset, (None, None))
    return {} if ids is None or called is None else dict(zip(ids.to_pylist(), called.to_pylist(), strict=True))


def _array(values: list[Any], type_: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(type_):
        return pa.array(values, pa.int64()).cast(type_)
    if pa.types.is_integer(type_):
        # Of times that make no sense a sum may be larger than any column holds: it is none, and no reason to fail.
        values = [value if value is None or abs(value) < 2**63 else None for value in values]
    return pa.array(values, type_)


def _rows(
    batch: pa.RecordBatch, names: Mapping[str, Mapping[str, str]], halves: "_HalfHours"
) -> Iterator[tuple[Any, ...]]:
    records = struct_of(batch)
    for name, sessions in zip(child_of(records, "conversationId").to_pylist(), _conversations(records), strict=True):
        for index, stay in enumerate(_stays(sessions)):
            yield _row(name, index, stay, names, halves)


def _row(
    name: str | None, index: int, stay: _Stay, names: Mapping[str, Mapping[str, str]], halves: "_HalfHours"
) -> tuple[Any, ...]:
    first, agent, code = stay.first, stay.agent, stay.wrap_up
    half, local = halves.of(first.start) if first.start is not None else (None, None)
    return (
        name,
        index,
        stay.queue,
        names["queueId"].get(stay.queue),
        first.media,
        first.direction,
        first.start,
        half,
        local,
        sum(stay.values("nOffered")),
        len(stay.values("tAnswered")),
        len(stay.values("tAbandon")),
        len(stay.values("tShortAbandon")),
        len(stay.values("tFlowOut")),
        sum(stay.values("nOverSla")),
        sum(stay.values("nTransferred")),
        len(stay.values("tHandle")),
        agent,
        names["userId"].get(agent or ""),
        code,
        names["wrapUpCode"].get(code or ""),
        stay.total(*_WAITS),
        stay.total("tTalkComplete", "tTalk"),
        stay.total("tHeldComplete", "tHeld"),
        stay.total("tAcw"),
        stay.total("tHandle"),
    )


def _stays(sessions: Iterable[_Session]) -> list[_Stay]:
    """Return the stays of a conversation in the order in which they began, each with its agents' sessions."""
    in_queues = [each for each in sessions if each.queue is not None]
    in_queues.sort(key=lambda each: (each.start is None, each.start or 0))
    stays = [_Stay(str(each.queue), each, [each]) for each in in_queues if each.purpose == "acd"]
    for session in in_queues:
        if session.purpose == "acd" or session.user is None:
            continue
        before = [stay for stay in stays if stay.queue == session.queue and _begun(stay.first, session)]
        if before:
            before[-1].sessions.append(session)
        else:
            stays.append(_Stay(str(session.queue), session, [session]))
    stays.sort(key=lambda stay: (stay.first.start is None, stay.first.start or 0))
    return stays


def _begun(first: _Session, later: _Session) -> bool:
    return first.start is None or later.start is None or first.start <= later.start


def _conversations(records: pa.StructArray) -> Iterator[list[_Session]]:
    """Yield the sessions of each conversation; only what is needed of them becomes Python's."""
    participants = child_of(records, "participants")
    people = pc.list_flatten(participants)
    sessions = child_of(people, "sessions")
    of_person, flat = pc.list_parent_indices(sessions), pc.list_flatten(sessions)
    columns = [child_of(people, name).take(of_person).to_pylist() for name in ("purpose", "userId")]
    columns += [child_of(flat, name).to_pylist() for name in ("mediaType", "direction")]
    found = [_Session(*each) for each in zip(*columns, strict=True)]
    _add_metrics(found, child_of(flat, "metrics"))
    _add_segments(found, child_of(flat, "segments"))
    grouped: list[list[_Session]] = [[] for _ in range(len(records))]
    for row, session in zip(pc.list_parent_indices(participants).take(of_person).to_pylist(), found, strict=True):
        grouped[row].append(session)
    yield from grouped


def _add_metrics(sessions: list[_Session], lists: pa.Array) -> None:
    flat = pc.list_flatten(lists)
    names, values = child_of(flat, "name"), child_of(flat, "value")
    wanted = pc.and_(pc.is_in(names, value_set=pa.array(sorted(_WANTED))), pc.is_valid(values))
    told = (each.filter(wanted).to_pylist() for each in (pc.list_parent_indices(lists), names, values))
    for place, name, value in zip(*told, strict=True):
        sessions[place].metrics.setdefault(name, []).append(value)


def _add_segments(sessions: list[_Session], lists: pa.Array) -> None:
    flat = pc.list_flatten(lists)
    told = [pc.list_parent_indices(lists), pc.cast(child_of(flat, "segmentStart"), pa.int64())]
    told += [child_of(flat, name) for name in ("queueId", "wrapUpCode")]
    for place, start, queue, code in zip(*(each.to_pylist() for each in told), strict=True):
        session = sessions[place]
        session.queue = session.queue if session.queue is not None else queue
        session.wrap_up = code if code is not None else session.wrap_up
        if start is not None and (session.start is None or start < session.start):
            session.start = start


class _HalfHours:
    """Half hours as the clocks of a zone have them; each quarter of an hour is looked up once."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[int, tuple[int, str]] = {}

    def of(self, ms: int) -> tuple[int, str]:
        """Return when the half hour of an instant began, in ms since 1970, and as local time with its offset."""
        quarter = ms // _QUARTER_MS
        if quarter not in self._known:
            try:
                at = datetime.fromtimestamp(quarter * _QUARTER_MS / 1000, self._zone)
            except (OverflowError, ValueError):  # the last day of the calendar, and a zone in which it is over
                at = datetime.fromtimestamp(quarter * _QUARTER_MS / 1000, UTC)
            past = at.minute % 30
            begun = quarter * _QUARTER_MS - past * 60_000
            text = (at - timedelta(minutes=past)).isoformat(timespec="minutes")
            self._known[quarter] = (begun, text)
        return self._known[quarter]
