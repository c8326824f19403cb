"""What the second server holds: one organisation's made-up data, and what of it belongs to which range."""

import functools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

FIRST_DAY = datetime(2023, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)

Record = dict[str, Any]
Period = tuple[str, str, str, str, str]
"""userId, which of the two lists, start, end, state."""

_PRESENCES = ("AVAILABLE", "AWAY", "ON_QUEUE", "MEAL", "MEETING", "OFFLINE")
_ROUTINGS = ("OFF_QUEUE", "IDLE", "INTERACTING", "NOT_RESPONDING")
_STATES = ("active", "active", "inactive", "active", "deleted")


def written(moment: datetime) -> str:
    """Return a moment as the API writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def read(text: str) -> datetime:
    """Return the moment that a text names."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Range:
    """A half-open range of time."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, interval: str) -> "Range":
        """Read `start/end`."""
        start, _, end = interval.partition("/")
        return cls(start=read(start), end=read(end))

    @property
    def day(self) -> str:
        """The day on which it begins."""
        return self.start.strftime("%Y-%m-%d")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One period of one user: what the pages of users' details count."""

    user: str
    listed: str
    start: datetime
    end: datetime
    state: str

    @property
    def period(self) -> Period:
        """What it comes to in an export."""
        return (self.user, self.listed, written(self.start), written(self.end), self.state)


@dataclass(frozen=True, kw_only=True)
class World:
    """One organisation. The same name invents the same data."""

    name: str = "Acme Support"
    days: int = 3
    conversations: int = 25
    """A day."""
    users: int = 25
    documents: int = 3
    """Periods of each user, a day."""
    users_a_day: int = 8
    """How many of the users have documents at all."""
    queues: int = 25
    wrapupcodes: int = 25
    tickets: int = 25
    """Of the described endpoints, a day."""
    open_conversations: int = 0
    """How many of the first day have no end."""
    empty_days: tuple[int, ...] = ()
    """Days, counted from 0, without any record."""
    time_ordered: bool = False
    """Whether users' documents come in order of time, in place of user by user."""

    def identity(self, *what: object) -> str:
        """Return an id that only this organisation uses."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, (self.name, *what)))))

    @property
    def organisation(self) -> Record:
        """What organizations/me says."""
        return {
            "id": self.identity("organisation"),
            "name": self.name,
            "defaultLanguage": "en-us",
            "thirdPartyOrgId": str(100 + len(self.name)),
            "domain": self.name.lower().replace(" ", "-"),
            "state": "active",
        }

    @functools.cached_property
    def all_conversations(self) -> Sequence[Record]:
        """Every conversation, with attributes, in order of start."""
        found = [self._conversation(day, n) for day in self._busy_days() for n in range(self.conversations)]
        return sorted(found, key=lambda record: (record["conversationStart"], record["conversationId"]))

    @functools.cached_property
    def all_documents(self) -> Sequence[Document]:
        """Every period of every user, in the order in which pages count them."""
        found = [
            document
            for day in self._busy_days()
            for n in range(self.users_a_day)
            for document in self._documents(day, n)
        ]
        if self.time_ordered:
            return sorted(found, key=lambda one: (one.start, one.user, one.listed))
        return sorted(found, key=lambda one: (one.user, one.start, one.listed))

    @functools.cached_property
    def all_users(self) -> Sequence[Record]:
        """The list of users, whatever their state."""
        return [
            {
                "id": self.identity("user", n),
                "name": f"Nia Ödegård {n}",
                "division": {"id": self.identity("division"), "name": "Home", "selfUri": "/api/v2/authorization/x"},
                "email": f"nia{n}@{self.organisation['domain']}.example",
                "state": _STATES[n % len(_STATES)],
                "username": f"nia{n}",
                "version": 1 + n % 7,
                "acdAutoAnswer": n % 2 == 0,
                "selfUri": f"/api/v2/users/{self.identity('user', n)}",
            }
            for n in range(self.users)
        ]

    @functools.cached_property
    def all_queues(self) -> Sequence[Record]:
        """The list of queues."""
        return [
            {
                "id": self.identity("queue", n),
                "name": f"Queue {n}",
                "division": {"id": self.identity("division"), "name": "Home", "selfUri": "/api/v2/authorization/x"},
                "dateCreated": written(FIRST_DAY + timedelta(hours=n)),
                "memberCount": n,
                "enableTranscription": n % 3 == 0,
                "selfUri": f"/api/v2/routing/queues/{self.identity('queue', n)}",
            }
            for n in range(self.queues)
        ]

    @functools.cached_property
    def all_wrapupcodes(self) -> Sequence[Record]:
        """The list of wrap-up codes."""
        return [
            {
                "id": self.identity("wrapupcode", n),
                "name": f"Code {n}",
                "dateCreated": written(FIRST_DAY + timedelta(minutes=n)),
                "createdBy": self.identity("user", 0),
                "selfUri": f"/api/v2/routing/wrapupcodes/{self.identity('wrapupcode', n)}",
            }
            for n in range(self.wrapupcodes)
        ]

    @functools.cached_property
    def all_tickets(self) -> Sequence[Record]:
        """Every ticket of the described endpoints, in order of creation."""
        return [
            {
                "id": day * 1000 + n,
                "created_at": written(FIRST_DAY + day * DAY + timedelta(minutes=40 * n)),
                "subject": f"{self.name}: ticket {n} of day {day}",
                "open": n % 2 == 0,
                "score": n / 4,
                "tags": ["a", f"t{n % 3}"],
            }
            for day in self._busy_days()
            for n in range(self.tickets)
        ]

    def listed(self, name: str) -> Sequence[Record]:
        """Return a list by its name."""
        return {"users": self.all_users, "queues": self.all_queues, "wrapupcodes": self.all_wrapupcodes}[name]

    def conversations_of(self, asked: Range, *, by_lifetime: bool = False) -> Iterator[Record]:
        """Yield the conversations of a range: active in it, and begun on a day that it touches unless `by_lifetime`."""
        earliest = asked.start.replace(hour=0, minute=0, second=0, microsecond=0)
        for record in self.all_conversations:
            start = read(record["conversationStart"])
            end = read(record["conversationEnd"]) if "conversationEnd" in record else None
            active = start < asked.end and (end is None or end >= asked.start)
            if active and (by_lifetime or start >= earliest):
                yield record

    def documents_of(self, asked: Range) -> Iterator[Document]:
        """Yield the periods that begin in a range."""
        return (document for document in self.all_documents if asked.start <= document.start < asked.end)

    def tickets_of(self, start: datetime, end: datetime) -> Iterator[Record]:
        """Yield the tickets created in a range."""
        return (ticket for ticket in self.all_tickets if start <= read(ticket["created_at"]) < end)

    def _busy_days(self) -> Iterator[int]:
        return (day for day in range(self.days) if day not in self.empty_days)

    def _conversation(self, day: int, n: int) -> Record:
        # The last one of each day goes on past midnight; it belongs to the day on which it began.
        last = n == self.conversations - 1
        step = min(timedelta(minutes=50), timedelta(hours=23) / self.conversations)
        start = FIRST_DAY + day * DAY + (timedelta(hours=23, minutes=50) if last else n * step + timedelta(seconds=day))
        end = start + timedelta(minutes=30, milliseconds=n)
        record: Record = {
            "conversationId": self.identity("conversation", day, n),
            "conversationStart": written(start),
            "conversationEnd": written(end),
            "divisionIds": [self.identity("division")],
            "externalTag": f"Ticket №{n}",
            "mediaStatsMinConversationMos": 4.5 + n / 100,
            "originatingDirection": "outbound" if n % 3 == 0 else "inbound",
            "participants": [self._customer(day, n, start), self._agent(day, n, start, end)],
        }
        if day == 0 and n < self.open_conversations:
            del record["conversationEnd"]
        return record

    def _customer(self, day: int, n: int, start: datetime) -> Record:
        return {
            "participantId": self.identity("customer", day, n),
            "participantName": "Zoë \U0001f600",
            "purpose": "customer",
            "attributes": {"plan": "gold", "näme": str(n)},
            "sessions": [
                {
                    "sessionId": self.identity("customer session", day, n),
                    "mediaType": "voice",
                    "direction": "inbound",
                    "metrics": [{"name": "nConnected", "value": 1, "emitDate": written(start)}],
                    "segments": [{"segmentStart": written(start), "segmentType": "interact", "conference": False}],
                }
            ],
        }

    def _agent(self, day: int, n: int, start: datetime, end: datetime) -> Record:
        segment = {
            "segmentStart": written(start),
            "segmentEnd": written(end),
            "segmentType": "interact",
            "conference": False,
            "queueId": self.identity("queue", n % max(1, self.queues)),
            "wrapUpCode": self.identity("wrapupcode", n % max(1, self.wrapupcodes)),
        }
        return {
            "participantId": self.identity("agent", day, n),
            "userId": self.identity("user", n % max(1, self.users)),
            "purpose": "agent",
            "attributes": {},
            "sessions": [
                {
                    "sessionId": self.identity("agent session", day, n),
                    "mediaType": "voice",
                    "metrics": [{"name": "tHandle", "value": 60_000 + n, "emitDate": written(end)}],
                    "segments": [segment],
                }
            ],
        }

    def _documents(self, day: int, n: int) -> Iterator[Document]:
        user, dawn = self.identity("user", n), FIRST_DAY + day * DAY
        for index in range(self.documents):
            start = dawn + timedelta(hours=2 * index, minutes=n, milliseconds=day)
            routed = index % 3 == 2
            states = _ROUTINGS if routed else _PRESENCES
            yield Document(
                user=user,
                listed="routingStatus" if routed else "primaryPresence",
                start=start,
                end=start + timedelta(hours=2),
                state=states[(n + index) % len(states)],
            )
