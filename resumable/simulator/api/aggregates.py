"""Aggregates of conversations and of users' states, added up from emissions and spells, not from the records' JSON."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from resumable.simulator.api.queries import bad_request, read_body, read_interval, refuse_unknown
from resumable.simulator.api.state import State
from resumable.simulator.json_values import Json
from resumable.simulator.messages import SimAnswer, SimRequest, plain
from resumable.simulator.world.filters import AGGREGATE_DIMENSIONS, Filter, FilterFault, read_aggregate_filter
from resumable.simulator.world.people import spells
from resumable.simulator.world.times import DAY_MS, stamp

_KEYS: Final = {"interval", "granularity", "timeZone", "groupBy", "filter", "metrics", "flattenMultivaluedDimensions"}
_GRANULARITY: Final = re.compile(r"P(?:(\d+)D|T(?:(\d+)H|(\d+)M))")
_MOST_BUCKETS: Final = 100_000
_LEVEL: Final = frozenset({"tAnswered", "tAbandon", "nOverSla"})
"""What a service level is made of."""
_QUALIFIED: Final = {"tSystemPresence": 2, "tAgentRoutingStatus": 3}
"""What is known of a user's states, and where in a spell it is."""


@dataclass(frozen=True, kw_only=True)
class _Query:
    start_ms: int
    end_ms: int
    step_ms: int
    group_by: tuple[str, ...]
    metrics: frozenset[str]
    filter: Filter

    def bucket(self, at_ms: int) -> int:
        return self.start_ms + (at_ms - self.start_ms) // self.step_ms * self.step_ms


@dataclass(kw_only=True)
class _Tally:
    """Of one metric, of one group, in one interval."""

    values: list[int] = field(default_factory=list)

    def stats(self, metric: str) -> dict[str, Json]:
        found = self.values
        if metric.startswith("n"):
            return {"count": sum(found)}
        return {"max": max(found), "min": min(found), "count": len(found), "sum": sum(found)}


_Key = tuple[tuple[tuple[str, str], ...], int, str, str]
"""Group, start of the interval, metric, qualifier."""


def conversation_aggregates(state: State, request: SimRequest) -> SimAnswer:
    """Answer an aggregate query of conversations; metrics count where they were emitted."""
    query = _read(read_body(request))
    found: dict[_Key, _Tally] = defaultdict(_Tally)
    for at_ms, metric, value, facts in _emitted(state, query):
        if query.start_ms <= at_ms < query.end_ms and query.filter.admits(facts):
            found[_group(query, facts, media=True), query.bucket(at_ms), metric, ""].values.append(value)
    return _answer(query, found, service_level="oServiceLevel" in query.metrics)


def user_aggregates(state: State, request: SimRequest) -> SimAnswer:
    """Answer an aggregate query of users: for how long each was in which presence and routing status."""
    query = _read(read_body(request))
    found: dict[_Key, _Tally] = defaultdict(_Tally)
    for user in state.world.organisation.user_ids:
        facts = {"userId": user}
        if not query.filter.admits(facts):
            continue
        for day in range(query.start_ms // DAY_MS - 1, -(-query.end_ms // DAY_MS)):
            for spell in spells(state.settings, user, day):
                for begun, took in _pieces(query, *spell[:2]):
                    for metric, place in _QUALIFIED.items():
                        found[_group(query, facts, media=False), begun, metric, str(spell[place])].values.append(took)
    return _answer(query, found, service_level=False)


def _emitted(state: State, query: _Query) -> Iterator[tuple[int, str, int, Mapping[str, Json]]]:
    world = state.world
    lasts = [max((each.at_ms for each in shape.emissions), default=0) for shape in world.shapes]
    wanted = query.metrics | (_LEVEL if "oServiceLevel" in query.metrics else frozenset())
    shapes = [[each for each in shape.emissions if each.metric in wanted] for shape in world.shapes]
    for number in range((query.start_ms - world.reach_ms) // DAY_MS, -(-query.end_ms // DAY_MS)):
        day = world.day(number)
        for position in day.members(stage=state.stage, last=world.last_stage):
            begun = number * DAY_MS + day.starts_ms[position]
            if begun + lasts[day.shapes[position]] < query.start_ms:
                continue
            yield begun, "nConversations", 1, {}
            for each in shapes[day.shapes[position]]:
                facts = {"mediaType": each.media, "direction": each.direction}
                facts |= {"queueId": each.queue_id} if each.queue_id else {}
                yield begun + each.at_ms, each.metric, each.value, facts | {"userId": each.user_id}


def _pieces(query: _Query, begin: int, end: int) -> Iterator[tuple[int, int]]:
    at = max(begin, query.start_ms)
    while at < min(end, query.end_ms):
        bucket = query.bucket(at)
        until = min(end, query.end_ms, bucket + query.step_ms)
        yield bucket, until - at
        at = until


def _group(query: _Query, facts: Mapping[str, Json], *, media: bool) -> tuple[tuple[str, str], ...]:
    names = dict.fromkeys((*(("mediaType",) if media else ()), *query.group_by))
    return tuple((name, facts[name]) for name in names if facts.get(name) is not None)


def _answer(query: _Query, found: Mapping[_Key, _Tally], *, service_level: bool) -> SimAnswer:
    results: dict[tuple[tuple[str, str], ...], dict[int, list[Json]]] = {}
    for group, begun, metric, qualifier in sorted(found):
        if metric in query.metrics:
            told: dict[str, Json] = {"metric": metric, **({"qualifier": qualifier} if qualifier else {})}
            told["stats"] = found[group, begun, metric, qualifier].stats(metric)
            results.setdefault(group, {}).setdefault(begun, []).append(told)
    if service_level:
        for group, begun in sorted({key[:2] for key in found}):
            level = _service_level(found, group, begun)
            if level is not None:
                results.setdefault(group, {}).setdefault(begun, []).append(level)
    content = [
        {
            "group": dict(group),
            "data": [
                {"interval": f"{stamp(at)}/{stamp(min(at + query.step_ms, query.end_ms))}", "metrics": metrics}
                for at, metrics in sorted(data.items())
            ],
        }
        for group, data in results.items()
    ]
    return plain(200, {"results": content} if content else {})


def _service_level(found: Mapping[_Key, _Tally], group: tuple[tuple[str, str], ...], begun: int) -> Json:
    def count(metric: str) -> int:
        known = found.get((group, begun, metric, ""))
        return len(known.values) if known is not None else 0

    answered = count("tAnswered")
    among = answered + count("tAbandon")
    if not among:
        return None
    within = answered - count("nOverSla")
    stats = {"ratio": within / among, "numerator": within, "denominator": among, "target": 0.8}
    return {"metric": "oServiceLevel", "stats": stats}


def _read(body: Mapping[str, Json]) -> _Query:
    refuse_unknown(body, _KEYS)
    start, end = read_interval(body)
    step = _step(body.get("granularity"), end - start)
    if (end - start) / step > _MOST_BUCKETS:
        raise bad_request("The granularity is too fine for the interval.")
    if body.get("timeZone", "UTC") != "UTC":
        raise bad_request("timeZone must be UTC; this simulator knows no other")
    group_by, metrics = body.get("groupBy", []), body.get("metrics")
    if not isinstance(group_by, list) or set(map(str, group_by)) - AGGREGATE_DIMENSIONS:
        raise bad_request(f"groupBy must be of [{', '.join(sorted(AGGREGATE_DIMENSIONS))}]")
    if not isinstance(metrics, list) or not metrics or not all(isinstance(each, str) for each in metrics):
        raise bad_request("The required field 'metrics' is missing.")
    try:
        chosen = read_aggregate_filter(body)
    except FilterFault as problem:
        raise bad_request(str(problem)) from None
    return _Query(
        start_ms=start,
        end_ms=end,
        step_ms=step,
        group_by=tuple(group_by),
        metrics=frozenset(metrics),
        filter=chosen,
    )


def _step(given: Json, whole: int) -> int:
    if given is None:
        return whole
    match = _GRANULARITY.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise bad_request(f"granularity {json.dumps(given)[:40]} is not a duration such as PT30M")
    days, hours, minutes = (int(number or 0) for number in match.groups())
    step = days * DAY_MS + hours * 3_600_000 + minutes * 60_000
    if step < 60_000:
        raise bad_request("granularity must be at least a minute")
    return step
