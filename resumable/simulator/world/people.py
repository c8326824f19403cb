"""Users' details: the presence and the routing status of every user over an interval."""

import json
import random
from collections.abc import Callable, Mapping
from itertools import pairwise

from resumable.simulator.json_values import Json, words
from resumable.simulator.settings import Documents, SimSettings, Style
from resumable.simulator.world.demand import HOUR_MS
from resumable.simulator.world.filters import read_user_filters
from resumable.simulator.world.names import digest, seeded, uuid_of
from resumable.simulator.world.times import DAY_MS, stamp
from resumable.simulator.world.world import World

_PRESENCES = words("AVAILABLE AWAY BUSY OFFLINE IDLE ON_QUEUE MEAL TRAINING MEETING BREAK")
_STATUSES = words("OFF_QUEUE IDLE INTERACTING NOT_RESPONDING COMMUNICATING")
_QUIET_SHARE = 5  # every fifth user or so does nothing on a day


def user_details(world: World, start_ms: int, end_ms: int, body: Mapping[str, Json]) -> list[bytes]:
    """Return the records of all users with anything to tell, in the order of the entity list."""
    wanted = read_user_filters(body)
    found = []
    for user_id in world.organisation.user_ids:
        if not wanted.admits({"userId": user_id}):
            continue
        record = _record(world.settings, user_id, start_ms, end_ms)
        if record is not None:
            found.append(json.dumps(record, separators=(",", ":")).encode())
    return found


def user_pages(
    world: World, start_ms: int, end_ms: int, body: Mapping[str, Json]
) -> tuple[int, Callable[[int, int], list[bytes]]]:
    """Return what the pages of users' details have so many of, and what reads such a page by position."""
    records = user_details(world, start_ms, end_ms, body)
    if world.settings.documents is Documents.NONE:
        return len(records), lambda start, size: records[max(0, start) : max(0, start) + size]
    found = user_documents(records, by_time=world.settings.documents is Documents.BY_TIME)
    return len(found), lambda start, size: _grouped(found[max(0, start) : max(0, start) + size])


def user_documents(records: list[bytes], *, by_time: bool) -> list[tuple[str, str, dict[str, Json]]]:
    """Return every document of users' details: of which user, in which list, and what it says."""
    found = [
        (record["userId"], name, period)
        for record in map(json.loads, records)
        for name in ("primaryPresence", "routingStatus")
        for period in record[name]
    ]
    return sorted(found, key=lambda each: (each[2]["startTime"], each[0], each[1])) if by_time else found


def alone(document: tuple[str, str, dict[str, Json]]) -> bytes:
    """Return a document as a record of its own."""
    user_id, name, period = document
    return json.dumps({"userId": user_id, name: [period]}, separators=(",", ":")).encode()


def _grouped(documents: list[tuple[str, str, dict[str, Json]]]) -> list[bytes]:
    found: dict[str, dict[str, Json]] = {}
    for user_id, name, period in documents:
        found.setdefault(user_id, {"userId": user_id}).setdefault(name, []).append(period)
    return [json.dumps(record, separators=(",", ":")).encode() for record in found.values()]


def _record(settings: SimSettings, user_id: str, start_ms: int, end_ms: int) -> dict[str, Json] | None:
    presence: list[dict[str, Json]] = []
    routing: list[dict[str, Json]] = []
    for day in range(start_ms // DAY_MS, -(-end_ms // DAY_MS)):
        for begin, end, presence_word, status_word in spells(settings, user_id, day):
            if begin >= end_ms or end <= start_ms:
                continue
            times = {"startTime": stamp(begin), "endTime": stamp(end)}
            presence_id = uuid_of(presence_word)
            presence.append({**times, "systemPresence": presence_word, "organizationPresenceId": presence_id})
            routing.append({**times, "routingStatus": status_word})
    if not presence:
        return None
    return {"userId": user_id, "primaryPresence": presence, "routingStatus": routing}


def spells(settings: SimSettings, user_id: str, day: int) -> list[tuple[int, int, str, str]]:
    """Return what a user does on a day: from, to, presence, routing status."""
    seed = settings.seed
    if digest("quiet", seed, user_id, day) % _QUIET_SHARE == 0:
        return []
    if settings.style is Style.LIFELIKE:
        return _shift(seeded("shift", seed, user_id, day), day * DAY_MS)
    rng = seeded("spells", seed, user_id, day)
    cuts = sorted(rng.sample(range(1, DAY_MS), rng.randint(2, 9)))
    return [
        (day * DAY_MS + a, day * DAY_MS + b, rng.choice(_PRESENCES), rng.choice(_STATUSES)) for a, b in pairwise(cuts)
    ]


def _shift(rng: random.Random, midnight: int) -> list[tuple[int, int, str, str]]:
    """Return eight hours of work: calls with pauses between them, and a meal in the middle."""
    found: list[tuple[int, int, str, str]] = []
    at = midnight + rng.randint(6 * HOUR_MS, 11 * HOUR_MS)
    end = at + 8 * HOUR_MS
    meal: int | None = at + 4 * HOUR_MS

    def spend(minutes: float, presence: str, status: str) -> None:
        nonlocal at
        begun, at = at, at + int(minutes * 60_000)
        found.append((begun, at, presence, status))

    while at < end:
        if meal is not None and at >= meal:
            spend(rng.uniform(25, 50), "MEAL", "OFF_QUEUE")
            meal = None
        spend(rng.expovariate(1 / 2.0) + 0.05, "ON_QUEUE", "IDLE")
        if rng.random() < 0.04:
            spend(0.15, "ON_QUEUE", "NOT_RESPONDING")
        else:
            spend(rng.expovariate(1 / 6.0) + 0.5, "ON_QUEUE", "INTERACTING")
        if rng.random() < 0.05:
            spend(rng.uniform(3, 20), rng.choice(("BREAK", "MEETING", "TRAINING")), "OFF_QUEUE")
    return found
