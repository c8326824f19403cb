"""What else an organisation has beside its users, queues and wrap-up codes: groups, skills, flows, recordings, ..."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from resumable.simulator.json_values import Json
from resumable.simulator.world.names import FIRST_NAMES, LAST_NAMES, TOPICS, digest, seeded, uuid_of
from resumable.simulator.world.organisation import SimOrganisation
from resumable.simulator.world.times import DAY_MS, day_of, stamp

_BEGIN_MS: Final = day_of("2020-01-01") * DAY_MS
_PRESENCES: Final = ("Available", "Away", "Break", "Busy", "Idle", "Meal", "Meeting", "Offline", "Training")
_LANGUAGES: Final = ("English", "Deutsch", "Français", "日本語")
_FLOW_TYPES: Final = ("INBOUNDCALL", "INQUEUECALL", "INBOUNDSHORTMESSAGE", "WORKFLOW")
_METHODS: Final = ("GET", "POST", "GET")

Made = dict[str, Json]


def listed(organisation: SimOrganisation, name: str) -> list[bytes]:
    """Return the JSON records of a list of `LISTS`, in the order in which it is paged."""
    make, count = LISTS[name]
    return [_text(make(organisation, number)) for number in range(count)]


def members_of(organisation: SimOrganisation, queue: str) -> list[bytes] | None:
    """Return the members of a queue; None where there is no such queue."""
    if queue not in organisation.queue_ids:
        return None
    users = (each for each in organisation.user_ids if digest("member", queue, each) % 3 == 0)
    return [_text(_member(number, user)) for number, user in enumerate(users)]


def recordings_of(organisation: SimOrganisation, conversation: str) -> list[bytes]:
    """Return what is known of the recordings of a conversation: up to three."""
    count = digest("recordings", conversation) % 4
    return [_text(_recording(organisation, conversation, number)) for number in range(count)]


def evaluations_of(organisation: SimOrganisation, conversation: str) -> list[bytes]:
    """Return the evaluations of a conversation: one of a third of them."""
    if digest("evaluations", conversation) % 3:
        return []
    return [_text(_evaluation(organisation, conversation))]


def usage_rows(organisation: SimOrganisation, start_ms: int, end_ms: int) -> list[bytes]:
    """Return what was asked of the API on each day: a row for each client, path and method."""
    rows = []
    for day in range(start_ms // DAY_MS, -(-end_ms // DAY_MS)):
        for number, path in enumerate(("/api/v2/users", "/api/v2/analytics/conversations/details/query", "/api/v2/*")):
            rng = seeded("usage", organisation.seed, day, number)
            good, limited = rng.randrange(5000), rng.randrange(20)
            rows.append(
                _text(
                    {
                        "clientId": uuid_of("client", organisation.seed, number % 2),
                        "clientName": f"Reports {number % 2}",
                        "organizationId": uuid_of("organisation", organisation.seed),
                        "templateUri": path,
                        "httpMethod": _METHODS[number],
                        "status200": good,
                        "status300": 0,
                        "status400": 3,
                        "status500": number,
                        "status429": limited,
                        "requests": good + 3 + number + limited,
                        "date": stamp(day * DAY_MS),
                    }
                )
            )
    return rows


def _group(organisation: SimOrganisation, number: int) -> Made:
    key = uuid_of("group", organisation.seed, number)
    return {
        "id": key,
        "name": f"Team {TOPICS[number % len(TOPICS)]}",
        "description": "Gruppe für alles Übrige" if number % 3 == 0 else None,
        "dateModified": _at(number),
        "memberCount": number * 3,
        "state": "active",
        "version": number + 1,
        "type": ("official", "social")[number % 2],
        "rulesVisible": True,
        "visibility": "public",
        "rolesEnabled": False,
        "addresses": [{"address": f"+49 30 55501{number:02d}", "mediaType": "PHONE", "type": "GROUPRING"}],
        "owners": [{"id": user} for user in organisation.user_ids[number : number + 1]],
        "selfUri": f"/api/v2/groups/{key}",
    }


def _skill(organisation: SimOrganisation, number: int) -> Made:
    key = uuid_of("skill", organisation.seed, number)
    return {
        "id": key,
        "name": f"{TOPICS[number % len(TOPICS)]} {number // len(TOPICS) + 1}",
        "dateModified": _at(number),
        "state": "active" if number % 7 else "inactive",
        "version": str(number + 1),
        "selfUri": f"/api/v2/routing/skills/{key}",
    }


def _language(organisation: SimOrganisation, number: int) -> Made:
    key = uuid_of("language", organisation.seed, number)
    named = {"id": key, "name": _LANGUAGES[number], "dateModified": _at(number), "state": "active", "version": "1"}
    return {**named, "selfUri": f"/api/v2/routing/languages/{key}"}


def _division(organisation: SimOrganisation, number: int) -> Made:
    key = organisation.division_ids[number]
    return {
        "id": key,
        "name": ("Home", "EMEA", "日本")[number],
        "description": "",
        "homeDivision": number == 0,
        "selfUri": f"/api/v2/authorization/divisions/{key}",
    }


def _presence(organisation: SimOrganisation, number: int) -> Made:
    key = uuid_of("presence definition", organisation.seed, number)
    return {
        "id": key,
        "type": "System" if number < 6 else "User",
        "languageLabels": {"en_US": _PRESENCES[number], "de": f"{_PRESENCES[number]} (de)"},
        "systemPresence": _PRESENCES[number],
        "divisionId": "*",
        "deactivated": number == 4,
        "selfUri": f"/api/v2/presence/definitions/{key}",
    }


def _campaign(organisation: SimOrganisation, number: int) -> Made:
    key = uuid_of("campaign", organisation.seed, number)
    queues = organisation.queue_ids
    return {
        "id": key,
        "name": f"Campaign {TOPICS[number]}",
        "dateCreated": _at(number),
        "dateModified": _at(number + 90),
        "version": number + 1,
        "queue": {"id": queues[number % len(queues)]} if queues else None,
        "dialingMode": ("predictive", "preview", "agentless")[number % 3],
        "campaignStatus": ("on", "off", "complete")[number % 3],
        "phoneColumns": [{"columnName": "mobile", "type": "cell"}],
        "abandonRate": 3.5,
        "alwaysRunning": False,
        "division": {"id": organisation.division_ids[number % len(organisation.division_ids)]},
        "selfUri": f"/api/v2/outbound/campaigns/{key}",
    }


def _flow(organisation: SimOrganisation, number: int) -> Made:
    key = uuid_of("flow", organisation.seed, number)
    kind = _FLOW_TYPES[number % len(_FLOW_TYPES)]
    return {
        "id": key,
        "name": f"{kind.title()} {TOPICS[number % len(TOPICS)]}",
        "division": {"id": organisation.division_ids[0], "name": "Home"},
        "type": kind,
        "active": True,
        "system": False,
        "deleted": number % 6 == 5,
        "publishedVersion": {"id": f"{number}.0", "datePublished": _at(number)},
        "virtualAgentEnabled": False,
        "selfUri": f"/api/v2/flows/{key}",
    }


def _member(number: int, user: str) -> Made:
    return {
        "id": user,
        "name": f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {LAST_NAMES[number % len(LAST_NAMES)]}",
        "user": {"id": user, "selfUri": f"/api/v2/users/{user}"},
        "ringNumber": number % 6 + 1,
        "joined": number % 4 != 0,
        "memberBy": "user" if number % 5 else "group",
        "routingStatus": {"userId": user, "status": "IDLE", "startTime": _at(number)},
    }


def _recording(organisation: SimOrganisation, conversation: str, number: int) -> Made:
    key = uuid_of("recording", organisation.seed, conversation, number)
    return {
        "id": key,
        "conversationId": conversation,
        "startTime": _at(number),
        "endTime": _at(number + 1),
        "media": "audio",
        "annotations": [],
        "fileState": "AVAILABLE",
        "archiveDate": None,
        "deleteDate": _at(2000),
        "sessionId": uuid_of("recorded session", conversation, number),
        "region": "eu-central-1",
        "selfUri": f"/api/v2/conversations/{conversation}/recordings/{key}",
    }


def _evaluation(organisation: SimOrganisation, conversation: str) -> Made:
    key = uuid_of("evaluation of", conversation)
    users = organisation.user_ids or ("",)
    agent = users[digest("evaluated", conversation) % len(users)]
    return {
        "id": key,
        "conversation": {"id": conversation, "selfUri": f"/api/v2/conversations/{conversation}"},
        "evaluationForm": {"id": uuid_of("form", organisation.seed), "name": "Freundlichkeit"},
        "evaluator": {"id": users[0]},
        "agent": {"id": agent},
        "status": "FINISHED",
        "answers": {"totalScore": 87.5, "totalCriticalScore": 90.0, "comments": "sehr gut"},
        "agentHasRead": False,
        "releaseDate": _at(3),
        "mediaType": ["CALL"],
        "neverRelease": False,
        "redacted": False,
        "selfUri": f"/api/v2/quality/conversations/{conversation}/evaluations/{key}",
    }


def _at(number: int) -> str:
    return stamp(_BEGIN_MS + number % 2000 * DAY_MS + number * 1_234_567 % DAY_MS)


def _text(record: Mapping[str, Json]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


LISTS: Final[Mapping[str, tuple[Callable[[SimOrganisation, int], Made], int]]] = {
    "groups": (_group, 9),
    "skills": (_skill, 14),
    "languages": (_language, len(_LANGUAGES)),
    "divisions": (_division, 3),
    "presence-definitions": (_presence, len(_PRESENCES)),
    "campaigns": (_campaign, 5),
    "flows": (_flow, 12),
}
"""By the name of the dataset: what makes a record, and how many there are."""
