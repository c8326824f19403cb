"""The official Python SDK as a client of the simulator.

It needs no patch: the login host is the API host with `//api.` replaced by `//login.`, and on loopback there is nothing
to replace, so `ApiClient(host)` with the simulator's address finds both.
"""

import importlib
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from resumable.models import iso
from resumable.simulator.json_values import Json
from resumable.simulator.simulator import Simulator
from tests.support.truth import plain

NAME = "PureCloudPlatformClientV2"
Connect = Callable[[Simulator], Json]
DAY = "2023-10-01T00:00:00.000Z/2023-10-02T00:00:00.000Z"
_NATIVE = {"datetime": datetime, "str": str, "int": int, "float": float, "bool": bool}


def load(home: Path) -> ModuleType:
    """Import the SDK with a home folder of its own.

    The import reads a configuration in the home folder and watches the folder, all of it, with a thread, unless that
    configuration says otherwise; and it makes the loggers of urllib3 mute, which would blind other tests.
    """
    configuration = home / ".genesyscloudpython" / "config"
    configuration.parent.mkdir()
    configuration.write_text("[general]\nlive_reload_config = false\n")
    muted = logging.getLogger("urllib3")
    level, propagate = muted.level, muted.propagate
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        sdk = importlib.import_module(NAME)
    muted.setLevel(level)
    muted.propagate = propagate
    return sdk


def login(sdk: ModuleType, sim: Simulator) -> Json:
    """Return a client of the simulator that has a token."""
    client = sdk.ApiClient(sim.url)
    return client.get_client_credentials_token(sim.settings.client_id, sim.settings.client_secret)


def hang_up(client: Json) -> None:
    """Close a client's connections; the SDK has no call for it."""
    client.get_http_client().rest_client.pool_manager.clear()


def wire(value: Json) -> Json:
    """Return what the SDK has read as the JSON that it came from, null members left out.

    Every value must have the type that its model declares.
    """
    if hasattr(value, "attribute_map"):
        held = {name: _typed(value, attribute) for attribute, name in value.attribute_map.items()}
        return {name: wire(content) for name, content in held.items() if content is not None}
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, list):
        return [wire(element) for element in value]
    return {name: wire(content) for name, content in value.items()} if isinstance(value, dict) else value


def _typed(model: Json, attribute: str) -> Json:
    value, declared = getattr(model, attribute), model.swagger_types[attribute]
    expected = _NATIVE.get(declared, object)
    assert value is None or isinstance(value, expected), f"{attribute} is {value!r}, and declared {declared}"
    return value


def assert_same(read: Iterable[Json], truth: Iterable[Json]) -> None:
    """Check that the SDK has read just these records, in this order, and that its models know all of each."""
    assert [wire(record) for record in read] == [plain(record) for record in truth]


@dataclass(frozen=True, kw_only=True)
class Body:
    """Text that the SDK can deserialise: as much of a response as it looks at."""

    data: str

    def getheader(self, name: str) -> str | None:
        """Return the one header that the SDK asks for."""
        return "application/json" if name == "Content-Type" else None


def read_as(client: Json, model: str, content: Json) -> Json:
    """Return JSON as the SDK reads it into one of its models."""
    return client.deserialize(Body(data=content if isinstance(content, str) else json.dumps(content)), model)


def conversation_query(sdk: ModuleType, *, page: int = 1, size: int = 100, interval: str = DAY) -> Json:
    """Return a query for a page of conversations, in an order that makes paging repeatable."""
    query = sdk.ConversationQuery()
    query.interval, query.order, query.order_by = interval, "asc", "conversationStart"
    query.paging = paging(sdk, page, size)
    return query


def paging(sdk: ModuleType, page: int, size: int) -> Json:
    """Return what asks for a page."""
    spec = sdk.PagingSpec()
    spec.page_number, spec.page_size = page, size
    return spec


def any_of(sdk: ModuleType, kind: str, dimension: str, *values: str) -> Json:
    """Return a filter, such as a SegmentDetailQueryFilter, for any of some values of a dimension."""
    chosen = getattr(sdk, f"{kind}DetailQueryFilter")()
    chosen.type, chosen.predicates = "or", []
    for value in values:
        predicate = getattr(sdk, f"{kind}DetailQueryPredicate")()
        predicate.type, predicate.dimension, predicate.operator, predicate.value = (
            "dimension",
            dimension,
            "matches",
            value,
        )
        chosen.predicates.append(predicate)
    return chosen
