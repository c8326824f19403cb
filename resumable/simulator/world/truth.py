"""What a correct backfill must end with, found without any of the code that pages.

Each record is rendered, read back as JSON and judged by its own instants and contents, one after the other.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from resumable.simulator.json_values import Json
from resumable.simulator.settings import Documents
from resumable.simulator.world.article_filters import read_article_filters
from resumable.simulator.world.audit_records import audit_records
from resumable.simulator.world.conversations import ONGOING_MS
from resumable.simulator.world.directory import LISTS, listed, members_of, usage_rows
from resumable.simulator.world.filters import Filter, read_filters
from resumable.simulator.world.organisation import SimulatedList
from resumable.simulator.world.people import alone, user_details, user_documents
from resumable.simulator.world.times import DAY_MS, parse_interval, to_ms
from resumable.simulator.world.world import World


class Dataset(StrEnum):
    """What there is a truth about."""

    CONVERSATIONS = "conversations"  # the public contract
    CONVERSATION_JOBS = "conversation-jobs"
    CONVERSATIONS_PAGECOUNT = "conversations-pagecount"  # the article's contract
    USER_DETAILS = "user-details"
    USERS = "users"
    QUEUES = "queues"
    WRAPUP_CODES = "wrapupcodes"
    AUDITS = "audits"
    GROUPS = "groups"
    SKILLS = "skills"
    LANGUAGES = "languages"
    DIVISIONS = "divisions"
    PRESENCE_DEFINITIONS = "presence-definitions"
    CAMPAIGNS = "campaigns"
    FLOWS = "flows"
    QUEUE_MEMBERS = "queue-members"
    API_USAGE = "api-usage"


def find_truth(
    world: World, dataset: Dataset, interval: str | tuple[datetime, datetime] | None, body: Mapping[str, Json]
) -> Iterator[tuple[str, bytes]]:
    """Yield the id and the JSON of each record that the settled data holds.

    `body` is the query as it is sent, for its filters and for startOfDayIntervalMatching; its pages do not matter.
    """
    if dataset in (Dataset.USERS, Dataset.QUEUES, Dataset.WRAPUP_CODES):
        for record in world.organisation.entities(SimulatedList(dataset)):
            yield json.loads(record)["id"], record
        return
    if dataset in LISTS:
        for record in listed(world.organisation, dataset):
            yield json.loads(record)["id"], record
        return
    if dataset is Dataset.QUEUE_MEMBERS:
        for queue in world.organisation.queue_ids:
            for record in members_of(world.organisation, queue) or ():
                yield f"{queue} {json.loads(record)['id']}", record
        return
    if interval is None:
        raise ValueError(f"{dataset} needs an interval")
    if isinstance(interval, str):
        start_ms, end_ms = parse_interval(interval)
    else:
        start_ms, end_ms = to_ms(interval[0]), to_ms(interval[1])
    if dataset is Dataset.USER_DETAILS:
        records = user_details(world, start_ms, end_ms, body)
        if world.settings.documents is not Documents.NONE:  # each document by itself: how they are grouped says nothing
            records = [alone(each) for each in user_documents(records, by_time=False)]
        for record in records:
            yield json.loads(record)["userId"], record
        return
    if dataset is Dataset.API_USAGE:
        for number, record in enumerate(usage_rows(world.organisation, start_ms, end_ms)):
            yield str(number), record
        return
    if dataset is Dataset.AUDITS:
        for record in audit_records(world, start_ms, end_ms):
            yield json.loads(record)["id"], record
        return
    yield from _conversations(world, dataset, _moment(start_ms), _moment(end_ms), body)


def _conversations(
    world: World, dataset: Dataset, start: datetime, end: datetime, body: Mapping[str, Json]
) -> Iterator[tuple[str, bytes]]:
    jobs = dataset is Dataset.CONVERSATION_JOBS
    chosen = read_article_filters(body["filters"]) if "filters" in body else read_filters(body)
    first_day = start.date()
    if jobs and not body.get("startOfDayIntervalMatching"):
        first_day -= timedelta(days=-(-world.reach_ms // DAY_MS))
    day = first_day
    while day <= end.date():
        number = (day - datetime(1970, 1, 1, tzinfo=UTC).date()).days
        content = world.day(number)
        for position in range(len(content.shapes)):
            if position not in content.vanishing:
                record = world.render((number, position), attributes=jobs)
                parsed = json.loads(record)
                if _belongs(parsed, start, end, chosen):
                    yield parsed["conversationId"], record
        day += timedelta(days=1)


def _belongs(parsed: Mapping[str, Json], start: datetime, end: datetime, chosen: Filter) -> bool:
    begun = datetime.fromisoformat(parsed["conversationStart"])
    ended = parsed.get("conversationEnd")
    last = datetime.fromisoformat(ended) if ended else begun + timedelta(milliseconds=ONGOING_MS)
    return begun < end and last >= start and chosen.admits(parsed)


def _moment(at_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
