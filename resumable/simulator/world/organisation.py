"""The organisation behind the data: its queues, users, wrap-up codes and divisions, and their entity records."""

import json
from dataclasses import dataclass, field
from enum import StrEnum

from resumable.simulator.json_values import Json
from resumable.simulator.settings import SimSettings
from resumable.simulator.world.names import FIRST_NAMES, LAST_NAMES, TOPICS, seeded, uuid_of
from resumable.simulator.world.times import day_of, stamp

_DIVISIONS = ("Home", "EMEA", "日本")
_BEGIN_DAY = day_of("2020-01-01")


class SimulatedList(StrEnum):
    """The entity lists there are."""

    USERS = "users"
    QUEUES = "queues"
    WRAPUP_CODES = "wrapupcodes"


@dataclass(frozen=True, kw_only=True)
class SimOrganisation:
    """Who and what conversations refer to."""

    seed: int
    queue_ids: tuple[str, ...]
    user_ids: tuple[str, ...]
    wrapup_code_ids: tuple[str, ...]
    division_ids: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, settings: SimSettings) -> "SimOrganisation":
        """Invent the organisation of a seed."""

        def ids(kind: str, count: int) -> tuple[str, ...]:
            return tuple(uuid_of(kind, settings.seed, number) for number in range(count))

        return cls(
            seed=settings.seed,
            queue_ids=ids("queue", settings.queues),
            user_ids=ids("user", settings.users),
            wrapup_code_ids=ids("wrapup", settings.wrapup_codes),
            division_ids=ids("division", len(_DIVISIONS)),
        )

    def entities(self, which: SimulatedList) -> list[bytes]:
        """Return the JSON records of an entity list, in the order in which it is paged."""
        ids, make = {
            SimulatedList.USERS: (self.user_ids, self._user),
            SimulatedList.QUEUES: (self.queue_ids, self._queue),
            SimulatedList.WRAPUP_CODES: (self.wrapup_code_ids, self._wrapup_code),
        }[which]
        return [
            json.dumps(make(number, key), ensure_ascii=bool(number % 2), separators=(",", ":")).encode()
            for number, key in enumerate(ids)
        ]

    def _division(self, number: int) -> dict[str, Json]:
        key = self.division_ids[number % len(self.division_ids)]
        name = _DIVISIONS[number % len(_DIVISIONS)]
        return {"id": key, "name": name, "selfUri": f"/api/v2/authorization/divisions/{key}"}

    def _created(self, number: int) -> str:
        return stamp((_BEGIN_DAY + number % 700) * 86_400_000 + number * 1_234_567 % 86_400_000)

    def _user(self, number: int, key: str) -> dict[str, Json]:
        rng = seeded("user record", self.seed, number)
        user = {
            "id": key,
            "name": f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}",
            "division": self._division(number),
            "chat": {"jabberId": f"{number}@example.orgspan.com"},
            "email": f"user{number}@example.com",
            "primaryContactInfo": [{"address": f"user{number}@example.com", "mediaType": "EMAIL", "type": "PRIMARY"}],
            "addresses": [],
            "state": rng.choice(("active", "active", "inactive")),
            "username": f"user{number}@example.com",
            "version": rng.randrange(1, 400),
            "acdAutoAnswer": rng.random() < 0.5,
            "selfUri": f"/api/v2/users/{key}",
        }
        return user | ({"title": "Vorgesetzte*r", "department": rng.choice(TOPICS)} if number % 3 == 0 else {})

    def _queue(self, number: int, key: str) -> dict[str, Json]:
        rng = seeded("queue record", self.seed, number)
        queue = {
            "id": key,
            "name": _named(number),
            "division": self._division(number),
            "dateCreated": self._created(number),
            "dateModified": self._created(number + 300),
            "modifiedBy": self.user_ids[number % len(self.user_ids)] if self.user_ids else "",
            "memberCount": rng.randrange(200),
            "mediaSettings": {
                "call": {"alertingTimeoutSeconds": 30, "serviceLevel": {"percentage": 0.8, "durationMs": 20000}}
            },
            "acwSettings": {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 300000},
            "skillEvaluationMethod": "ALL",
            "enableTranscription": rng.random() < 0.5,
            "selfUri": f"/api/v2/routing/queues/{key}",
        }
        return queue | ({"description": "Warteschlange für alles Übrige"} if number % 4 == 0 else {})

    def _wrapup_code(self, number: int, key: str) -> dict[str, Json]:
        return {
            "id": key,
            "name": f"{TOPICS[number % len(TOPICS)]} – {('done', 'erledigt', '完了')[number % 3]} {number}",
            "division": self._division(number),
            "dateCreated": self._created(number),
            "createdBy": self.user_ids[number % len(self.user_ids)] if self.user_ids else "",
            "selfUri": f"/api/v2/routing/wrapupcodes/{key}",
        }


def _named(number: int) -> str:
    """Name a queue: Billing, Claims, ...; later ones are Billing 2, Claims 2."""
    again, topic = divmod(number, len(TOPICS))
    return TOPICS[topic] + (f" {again + 1}" if again else "")
