"""The datasets that files of the package describe, against the official SDK: its paths, its models, and as a client."""

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import resumable
from resumable import JobState, Query
from resumable.datasets.catalogue import CATALOGUE
from resumable.datasets.described.endpoints import shipped, shipped_declaration
from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node, ObjectOf
from resumable.simulator.json_values import Json
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.interop.sdk import Connect, wire
from tests.support.inprocess import settings_for, spec_for
from tests.support.truth import plain

DESCRIBED = [name for name, listed in CATALOGUE.items() if listed.module is None]
HALF_HOURS = {
    name: (f"{family}AggregationQuery", f"{family}AggregationView", f"{family}AggregateQueryPredicate")
    for name, family in (("conversation-aggregates", "Conversation"), ("user-aggregates", "User"))
}
"""By dataset: the SDK's models of its query, of what may be viewed, and of what may be filtered."""

# By dataset: the SDK's class, its method that answers (or the last of them), and the model of a record.
SDK: dict[str, tuple[str, str, str]] = {
    "groups": ("GroupsApi", "get_groups", "Group"),
    "skills": ("RoutingApi", "get_routing_skills", "RoutingSkill"),
    "languages": ("RoutingApi", "get_routing_languages", "Language"),
    "divisions": ("AuthorizationApi", "get_authorization_divisions", "AuthzDivision"),
    "presence-definitions": ("PresenceApi", "get_presence_definitions", "OrganizationPresenceDefinition"),
    "campaigns": ("OutboundApi", "get_outbound_campaigns", "Campaign"),
    "flows": ("ArchitectApi", "get_flows", "Flow"),
    "queue-members": ("RoutingApi", "get_routing_queue_members", "QueueMember"),
    "recordings": ("RecordingApi", "get_conversation_recordingmetadata", "RecordingMetadata"),
    "evaluations": ("QualityApi", "get_quality_evaluations_query", "Evaluation"),
    "conversation-aggregates": (
        *("AnalyticsApi", "post_analytics_conversations_aggregates_query", "StatisticalResponse"),
    ),
    "user-aggregates": ("AnalyticsApi", "post_analytics_users_aggregates_query", "StatisticalResponse"),
    "audits": ("AuditApi", "post_audits_query", "AuditLogMessage"),
    "api-usage": ("UsageApi", "post_usage_query", "ApiUsageRow"),
}
PLAIN = {"str": "text", "int": "integer", "float": "number", "bool": "flag", "datetime": "instant", "date": "date"}


def test_every_described_dataset_is_checked() -> None:
    """None is left out, and all are files that ship with the package."""
    assert [*SDK] == DESCRIBED
    folder = Path(resumable.__file__).parent / "datasets" / "described" / "catalogue"
    assert {path.stem for path in folder.glob("*.toml")} == {*DESCRIBED}


@pytest.mark.parametrize("name", DESCRIBED)
def test_path_and_parameters_are_those_of_the_sdk(name: str, sdk: ModuleType) -> None:
    """The path, and each parameter of a list, stand in the method of the SDK."""
    api, method, _ = SDK[name]
    source = inspect.getsource(getattr(getattr(sdk, api), method))
    declaration = shipped_declaration(name)
    (path,) = re.findall(r"resource_path = '([^']+)'", source)
    assert re.sub(r"\{\w+\}", "{each}", path) == declaration.request.path
    known = set(re.findall(r"query_params\['(\w+)'\]", source))
    assert {*declaration.request.params} <= known


@pytest.mark.parametrize("name", DESCRIBED)
def test_columns_are_the_fields_of_the_sdks_model(name: str, sdk: ModuleType) -> None:
    """Every field of the model is a column of its type, and every column is a field; deep ones may be JSON."""
    contract = shipped(name)
    each = shipped_declaration(name).each
    added = {"_key", "group", *([each.column] if each and each.column else [])}
    root = ObjectOf(members={key: node for key, node in contract.schema.root.members.items() if key not in added})
    assert [*_differences(root, SDK[name][2], sdk, name)] == []


def _differences(node: Node, declared: str, sdk: ModuleType, where: str) -> list[str]:
    if isinstance(node, Leaf) and node.kind is ColumnKind.JSON:
        return []
    if inner := re.fullmatch(r"list\[(.*)\]", declared):
        return _differences(node.element, inner[1], sdk, where) if isinstance(node, ListOf) else [where]
    if isinstance(node, Leaf):
        kind = "text map" if declared == "dict(str, str)" else PLAIN.get(declared)
        return [] if node.kind.value == kind else [f"{where}: {declared}"]
    model = getattr(sdk, declared)() if isinstance(node, ObjectOf) else None
    if model is None or not isinstance(node, ObjectOf):
        return [f"{where}: {declared}"]
    known = {model.attribute_map[key]: declared for key, declared in model.swagger_types.items()}
    found = [f"{where}.{key}" for key in known.keys() ^ node.members.keys()]
    for key in known.keys() & node.members.keys():
        found += _differences(node.members[key], known[key], sdk, f"{where}.{key}")
    return found


@pytest.mark.parametrize("name", HALF_HOURS)
def test_metrics_and_groups_are_those_of_the_sdk(name: str, sdk: ModuleType) -> None:
    """What an aggregate query names is what the SDK's views and predicates may name."""
    body: dict[str, Any] = dict(shipped_declaration(name).request.body)
    query, view, predicate = (getattr(sdk, each) for each in HALF_HOURS[name])
    assert {*body} <= {*query().attribute_map.values()}
    for names, model in ((body["metrics"], view), (body["groupBy"], predicate)):
        assert {*names} <= {*re.findall(r'"(\w+)"', inspect.getsource(model))}


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_job_holds_what_the_sdk_reads(name: str, sdk: ModuleType, connect: Connect, tmp_path: Path) -> None:
    """Downloaded from the simulator, a dataset has just the records that the SDK reads there as a client."""
    with Simulator(SimSettings(records=30, style=Style.LIFELIKE, rate_public=None, list_page_size_cap=7)) as sim:
        ids = _ids(name, sim)
        contract = shipped(name)
        spec = spec_for(name, "2023-10-02", "2023-10-03", query=Query(each=ids), page_size=contract.page_sizes.usual)
        job = resumable.make(replace(spec), settings_for(sim, tmp_path))
        assert job.run().state is JobState.COMPLETE
        assert job.status().drift == {}
        each = shipped_declaration(name).each
        added = {"_key", "group", *([each.column] if each and each.column else [])}
        mine = [{key: value for key, value in plain(record).items() if key not in added} for record in job.records()]
        theirs = [plain(wire(record)) for record in _read(name, sdk, connect(sim), ids)]
        assert len(mine) == len(theirs) > 0
        assert sorted(map(repr, map(_sorted, mine))) == sorted(map(repr, map(_sorted, theirs)))


def _ids(name: str, sim: Simulator) -> tuple[str, ...]:
    if name == "queue-members":
        return tuple(sorted(sim.world.organisation.queue_ids))
    if shipped_declaration(name).each is None:
        return ()
    return tuple(sorted(sim.truth("2023-10-02T00:00:00Z/2023-10-03T00:00:00Z").ids))


def _read(name: str, sdk: ModuleType, client: Json, ids: tuple[str, ...]) -> list[Json]:
    api, method, _ = SDK[name]
    ask = getattr(getattr(sdk, api)(client), method)
    body: dict[str, Any] = dict(shipped_declaration(name).request.body)
    body["interval"] = "2023-10-02T00:00:00.000Z/2023-10-03T00:00:00.000Z"
    if name in HALF_HOURS:
        return [data for result in ask(body).results for data in result.data]
    if name == "audits":
        made, audit = ask(body), getattr(sdk, api)(client)
        while audit.get_audits_query_transaction_id(made.id).state != "Succeeded":
            pass
        return list(audit.get_audits_query_transaction_id_results(made.id, page_size=500).entities)
    if name == "api-usage":
        made, usage = ask(body), getattr(sdk, api)(client)
        while (answer := usage.get_usage_query_execution_id_results(made.execution_id)).query_status != "Complete":
            pass
        return list(answer.results)
    if name == "recordings":
        return [record for each in ids for record in ask(each)]
    if name == "evaluations":
        return [record for each in ids for record in _pages(lambda page: ask(conversation_id=each, page_number=page))]  # noqa: B023 - called at once
    if name == "queue-members":
        return [record for each in ids for record in _pages(lambda page: ask(each, page_number=page))]  # noqa: B023 - called at once
    if name == "presence-definitions":
        return list(ask().entities)
    return _pages(lambda page: ask(page_number=page, **({"deleted": True} if name == "flows" else {})))


def _pages(ask: Callable[[int], Json]) -> list[Json]:
    found, number = [], 1
    while True:
        answer = ask(number)
        found += answer.entities
        if answer.next_uri is None:
            return found
        number += 1


def _sorted(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value
