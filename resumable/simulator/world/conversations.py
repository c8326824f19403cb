"""Invented conversations: a few hundred shapes, from which millions of records are stamped out cheaply.

A shape is a whole conversation with two kinds of blanks: instants, as an offset from the conversation's start, and
identifiers, as a number within the conversation. A record is a shape with its blanks filled in, so that a record costs
some 30 microseconds and a filter on anything but the blanks is decided once for each shape.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from resumable.simulator.json_values import Json, words
from resumable.simulator.settings import Style
from resumable.simulator.world import fields
from resumable.simulator.world.blanks import Emission, blank_id, blank_time
from resumable.simulator.world.lifelike import Lifelike
from resumable.simulator.world.names import FIRST_NAMES, LAST_NAMES, TEXTS, seeded, uuid_text
from resumable.simulator.world.organisation import SimOrganisation
from resumable.simulator.world.times import DAY_MS, stamp

SHAPES = 256  # so that the shape of a record is one byte
CROWDED = SHAPES // 2  # from here on, lifelike shapes are of crowded queues
ONGOING_MS = 2 * DAY_MS  # how long a conversation without an end counts as alive
ENDED_AFTER_MS = 20 * DAY_MS  # and when it ends after all
LONGEST_MS = 40 * 3_600_000
_COMPLETE = 8  # shapes in which every leaf of the model occurs
_ID_STEP = 0x9E3779B97F4A7C15F39CC0605CEDC835
_BLANK = re.compile(r"\\u0000([ti])(-?\d+)\\u0000")
_USER_IDS = frozenset(
    words("userId assigneeId evaluatorId proposedAgentId scoredAgentId selectedAgentId screenMonitoredUserId")
)
_OWN_IDS = frozenset(words("conversationId participantId sessionId peerId evaluationId surveyId protocolCallId"))
_METRICS = words("nConnected nOffered nTransferred oMediaCount tAcw tAnswered tHandle tHeld tIvr tTalk tWait")
_LARGE = (2**31, 2**53 + 1, 2**63 - 1, -(2**63))
_ATTRIBUTES = ("ivr.choice", "kunde nr", "名前", "Language", "a.b.c", "score", "", "x-%s")
_MEDIA = words("voice voice voice chat email message callback")


@dataclass(frozen=True, slots=True)
class Template:
    """The JSON text of a shape with its blanks, ready to be filled in."""

    text: str
    blanks: tuple[tuple[bool, int], ...]  # (is an instant, its offset or number)

    @classmethod
    def of(cls, content: dict[str, Json], *, ascii_only: bool) -> "Template":
        """Render a shape."""
        text = json.dumps(content, ensure_ascii=ascii_only, separators=(",", ":"))
        blanks = tuple((kind == "t", int(number)) for kind, number in _BLANK.findall(text))
        return cls("%s".join(p.replace("%", "%%") for p in _BLANK.split(text)[::3]), blanks)

    def fill(self, start_ms: int, identity: int) -> bytes:
        """Return the record of this start and identity."""
        values = [stamp(start_ms + n) if is_time else uuid_text(identity + n * _ID_STEP) for is_time, n in self.blanks]
        return (self.text % tuple(values)).encode()


@dataclass(frozen=True, slots=True)
class ConversationShape:
    """One conversation with blanks: `content` for filters, and its text with and without attributes."""

    content: dict[str, Json]
    duration_ms: int | None
    with_attributes: Template
    without_attributes: Template
    emissions: tuple[Emission, ...] = ()
    """What it says to the aggregates; only lifelike ones know."""

    @property
    def lifetime_ms(self) -> int:
        """How long the conversation counts as active after its start."""
        return ONGOING_MS if self.duration_ms is None else self.duration_ms


@lru_cache(maxsize=4)  # a tenth of a second of work, the same for every simulator of a test run
def make_shapes(
    style: Style, organisation: SimOrganisation, *, nulls: bool, ended: bool = False
) -> tuple[ConversationShape, ...]:
    """Invent all the shapes of an organisation; `ended`: those without an end have one by now, weeks later."""
    return tuple(_make_shape(style, organisation, number, nulls=nulls, ended=ended) for number in range(SHAPES))


def _make_shape(
    style: Style, organisation: SimOrganisation, number: int, *, nulls: bool, ended: bool
) -> ConversationShape:
    rng = seeded("shape", organisation.seed, style, number)
    if style is Style.LIFELIKE:
        return _lifelike(rng, organisation, number, ended=ended)
    share = 1.0 if number < _COMPLETE else 0.085
    maker = _Maker(rng, organisation, share, nulls=nulls)
    content = maker.conversation() if style is Style.FULL else maker.small()
    if ended and "conversationEnd" not in content:
        content["conversationEnd"] = blank_time(ENDED_AFTER_MS)
    return _with_templates(content, maker.duration, number)


def _lifelike(rng: random.Random, organisation: SimOrganisation, number: int, *, ended: bool) -> ConversationShape:
    maker = Lifelike(rng=rng, organisation=organisation, crowded=number >= CROWDED)
    content = maker.conversation()
    if ended and maker.ongoing:
        content["conversationEnd"] = blank_time(ENDED_AFTER_MS)
    return _with_templates(content, None if maker.ongoing else maker.end, number, tuple(maker.emissions))


def _with_templates(
    content: dict[str, Json], duration: int | None, number: int, emissions: tuple[Emission, ...] = ()
) -> ConversationShape:
    people = [{k: v for k, v in p.items() if k != "attributes"} for p in content["participants"]]
    bare = {**content, "participants": people}
    ascii_only = bool(number % 2)
    return ConversationShape(
        content,
        duration,
        Template.of(content, ascii_only=ascii_only),
        Template.of(bare, ascii_only=ascii_only),
        emissions,
    )


class _Maker:
    """Invents one conversation."""

    def __init__(self, rng: random.Random, organisation: SimOrganisation, share: float, *, nulls: bool) -> None:
        self.rng = rng
        self.organisation = organisation
        self.share = share
        self.nulls = nulls
        self.ids = 0
        self.duration = self._duration()
        self.span = self.duration or 3_600_000

    def _duration(self) -> int | None:
        kind = 0.99 if self.share == 1.0 else self.rng.random()
        if kind < 0.05:
            return None
        if kind < 0.1:
            return self.rng.randint(3_600_000, LONGEST_MS)
        return self.rng.randint(600_000, 9_000_000) if kind < 0.25 else self.rng.randint(5_000, 1_500_000)

    def small(self) -> dict[str, Json]:
        """Invent a conversation with one participant and little else."""
        user = self.rng.choice(self.organisation.user_ids)
        session = {
            "sessionId": self._next_id(),
            "mediaType": self.rng.choice(_MEDIA),
            "direction": self.rng.choice(("inbound", "outbound")),
            "segments": self._segments(1),
            "metrics": [{"emitDate": blank_time(self.span), "name": "tHandle", "value": self.span}],
        }
        participant = {
            "participantId": self._next_id(),
            "purpose": "agent",
            "userId": user,
            "attributes": self._attributes(),
            "sessions": [session],
        }
        return {**self._head(), "participants": [participant]}

    def conversation(self) -> dict[str, Json]:
        """Invent a conversation with the whole model in play."""
        content = self._optional(fields.CONVERSATION) | self._head()
        if self.duration is None:
            content.pop("conversationEnd", None)
        content["participants"] = [self._participant(p) for p in self._purposes()]
        for name, share in (("evaluations", 0.12), ("surveys", 0.08), ("resolutions", 0.08)):
            content |= self._inner_list(name, fields.CONVERSATION.lists[name], share)
        return content

    def _head(self) -> dict[str, Json]:
        head: dict[str, Json] = {
            "conversationId": blank_id(0),
            "conversationStart": blank_time(0),
            "divisionIds": self.rng.sample(self.organisation.division_ids, self.rng.randint(1, 2)),
            "originatingDirection": self.rng.choice(("inbound", "inbound", "outbound")),
        }
        if self.duration is not None:
            head["conversationEnd"] = blank_time(self.duration)
        return head

    def _purposes(self) -> list[str]:
        return ["customer", *self.rng.sample(["ivr", "acd", "agent"], self.rng.randint(1, 2))]

    def _participant(self, purpose: str) -> dict[str, Json]:
        content = self._optional(fields.PARTICIPANT)
        content |= {"participantId": self._next_id(), "purpose": purpose, "attributes": self._attributes()}
        if purpose == "agent":
            content["userId"] = self.rng.choice(self.organisation.user_ids)
        content["sessions"] = [self._session(purpose)]
        return content

    def _session(self, purpose: str) -> dict[str, Json]:
        content = self._optional(fields.SESSION)
        content |= {
            "sessionId": self._next_id(),
            "mediaType": self.rng.choice(_MEDIA),
            "direction": self.rng.choice(("inbound", "outbound")),
            "provider": "Edge",
            "ani": f"tel:+4930{self.rng.randrange(10**7):07}",
            "segments": self._segments(self.rng.randint(1, 3)),
            "metrics": [self._metric() for _ in range(self.rng.randint(0, 6))],
        }
        if purpose == "ivr" or self.share == 1.0:
            content["flow"] = self._optional(fields.FLOW) | {"flowId": self._constant_id(), "flowType": "INBOUNDCALL"}
            content["flow"] |= self._inner_list("outcomes", fields.FLOW_OUTCOME, 0.3)
        elif self.nulls and self.rng.random() < 0.1:
            content["flow"] = None
        for name, share in (("mediaEndpointStats", 0.15), ("proposedAgents", 0.08), ("agentGroups", 0.06)):
            content |= self._inner_list(name, fields.SESSION.lists[name], share)
        return content

    def _segments(self, count: int) -> list[dict[str, Json]]:
        cuts = sorted(self.rng.randint(0, self.span) for _ in range(count - 1))
        bounds = [0, *cuts, self.span]
        return [self._segment(bounds[i], bounds[i + 1], last=i == count - 1) for i in range(count)]

    def _segment(self, start: int, end: int, *, last: bool) -> dict[str, Json]:
        content = self._optional(fields.SEGMENT)
        content |= {
            "segmentStart": blank_time(start),
            "segmentEnd": blank_time(end),
            "segmentType": self.rng.choice(("interact", "ivr", "hold", "alert", "wrapup")),
            "queueId": self.rng.choice(self.organisation.queue_ids),
        }
        if last:
            content["wrapUpCode"] = self.rng.choice(self.organisation.wrapup_code_ids)
            content["disconnectType"] = self.rng.choice(("client", "peer", "transfer", "system"))
        if last and self.duration is None:
            content.pop("segmentEnd")
        content |= self._inner_list("properties", fields.PROPERTY, 0.05)
        return content | self._inner_list("scoredAgents", fields.SCORED_AGENT, 0.05)

    def _metric(self) -> dict[str, Json]:
        large = self.rng.random() < 0.03
        value = self.rng.choice(_LARGE) if large else self.rng.randrange(3_600_000)
        emitted = blank_time(self.rng.randint(0, self.span))
        return {"emitDate": emitted, "name": self.rng.choice(_METRICS), "value": value}

    def _inner_list(self, name: str, model: fields.Model, share: float) -> dict[str, Json]:
        dice = self.rng.random()
        if dice < share or self.share == 1.0:
            items = [self._optional(model, at_least=0.7) for _ in range(self.rng.randint(1, 2))]
            return {name: items}
        if dice > 0.97:
            return {name: []}
        return {name: None} if self.nulls and dice > 0.96 else {}

    def _optional(self, model: fields.Model, at_least: float = 0.0) -> dict[str, Json]:
        share = max(self.share, at_least)
        content: dict[str, Json] = {}
        for name, kind in model.leaves():
            dice = self.rng.random()
            if dice < share:
                content[name] = self._leaf(model, name, kind)
            elif self.nulls and dice > 0.993 and kind is not fields.Type.ENUM:
                content[name] = None  # not where one of a list of words belongs: the official Python SDK fails on it
        return content

    def _leaf(self, model: fields.Model, name: str, kind: fields.Type) -> Json:
        rng = self.rng
        if kind is fields.Type.TEXT:
            return self._text(name)
        if kind is fields.Type.ENUM:
            return rng.choice(model.choices(name))
        if kind is fields.Type.TIME:
            return blank_time(rng.randint(0, self.span))
        if kind is fields.Type.BOOLEAN:
            return rng.random() < 0.5
        if kind is fields.Type.INTEGER:
            return rng.choice((0, 1, rng.randrange(100), rng.randrange(10**6), -1))
        if kind is fields.Type.NUMBER:
            return rng.choice((5, 4.0, round(rng.uniform(1, 5), 2), rng.uniform(1, 5), 1e-07, 93.20000000000002))
        if kind is fields.Type.INTEGERS:
            return [rng.randrange(600) for _ in range(rng.randint(0, 3))]
        if kind is fields.Type.TEXTS:
            return [self._text(name.removesuffix("s")) for _ in range(rng.randint(1 if self.share == 1.0 else 0, 3))]
        return self._attributes()

    def _text(self, name: str) -> str:
        rng = self.rng
        if name == "queueId":
            return rng.choice(self.organisation.queue_ids)
        if name == "wrapUpCode":
            return rng.choice(self.organisation.wrapup_code_ids)
        if name == "divisionId":
            return rng.choice(self.organisation.division_ids)
        if name in _USER_IDS:
            return rng.choice(self.organisation.user_ids)
        if name in _OWN_IDS:
            return self._next_id()
        if name.endswith("Id"):
            return self._constant_id()
        if name == "participantName":
            return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
        return rng.choice(TEXTS)

    def _attributes(self) -> dict[str, str]:
        keys = self.rng.sample(_ATTRIBUTES, self.rng.randint(0, 4))
        return {key: self.rng.choice(TEXTS) for key in keys}

    def _next_id(self) -> str:
        self.ids += 1
        return blank_id(self.ids)

    def _constant_id(self) -> str:
        return uuid_text(self.rng.getrandbits(128))


def leaves_of(record: Json, prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Yield the dotted path and the value of every leaf of a record; null and the empty list are none."""
    for name, value in record.items():
        path = prefix + name
        items = value if isinstance(value, list) else [value]
        if isinstance(value, dict) and name != "attributes":
            yield from leaves_of(value, f"{path}.")
        elif items and isinstance(items[0], dict) and name != "attributes":
            for item in items:
                yield from leaves_of(item, f"{path}.")
        elif value is not None and value != []:
            yield path, value
