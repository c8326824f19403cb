"""The audit records of the organisation: who changed what, and when."""

import json

from resumable.simulator.json_values import Json, words
from resumable.simulator.world.names import seeded, uuid_of
from resumable.simulator.world.times import DAY_MS, stamp
from resumable.simulator.world.world import World

_A_DAY = 40
_ACTIONS = words("Create Update Delete View Publish")


def audit_records(world: World, start_ms: int, end_ms: int) -> list[bytes]:
    """Return the audit records of an interval in the order of their dates."""
    found = []
    for day in range(start_ms // DAY_MS, -(-end_ms // DAY_MS)):
        rng = seeded("audits", world.settings.seed, day)
        for number, offset in enumerate(sorted(rng.sample(range(DAY_MS), _A_DAY))):
            record = _record(world, day, number, offset, rng.choice(_ACTIONS))
            if start_ms <= day * DAY_MS + offset < end_ms:
                found.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())
    return found


def _record(world: World, day: int, number: int, offset: int, action: str) -> Json:
    users = world.organisation.user_ids
    return {
        "id": uuid_of("audit", world.settings.seed, day, number),
        "eventDate": stamp(day * DAY_MS + offset),
        "action": action,
        "serviceName": "Architect",
        "entityType": "Flow",
        "user": {"id": users[number % len(users)]} if users else {},
        "remoteIp": ["192.0.2.1"],
        "status": "SUCCESS",
        "propertyChanges": [{"property": "名前", "oldValues": [], "newValues": ["Überlauf"]}],
        "context": {"ölçü": "ı"},
    }
