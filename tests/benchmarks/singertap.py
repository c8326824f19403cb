"""A tap of Meltano's SDK for the public details query: a stream by POST, records in batches of Parquet files."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import singer_sdk.typing as th
from singer_sdk import Tap
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import BaseAPIPaginator
from singer_sdk.streams import RESTStream

from tests.benchmarks.contenders import PATH, days, pages_of, query, token

Place = tuple[int, int]
"""A day's number and a page's."""


class Pages(BaseAPIPaginator[Place]):
    """Page after page of day after day."""

    def __init__(self, count: int) -> None:
        """Starts at the first page of the first of so many days."""
        super().__init__((0, 1))
        self._days = count

    def get_next(self, response: Any) -> Place | None:  # noqa: ANN401 - an answer of requests
        """Return what comes after an answer."""
        day, number = self.current_value
        if number < pages_of(response.json()):
            return day, number + 1
        return (day + 1, 1) if day + 1 < self._days else None


class Conversations(RESTStream[Place]):
    """The conversations of the days up to `to`."""

    name = "conversations"
    path = PATH
    http_method = "POST"
    primary_keys = ("conversationId",)
    records_jsonpath = "$.conversations[*]"
    schema = th.PropertiesList(
        th.Property("conversationId", th.StringType),
        th.Property("originatingDirection", th.StringType),
        th.Property("conversationStart", th.DateTimeType),
        th.Property("conversationEnd", th.DateTimeType),
        th.Property("mediaStatsMinConversationMos", th.NumberType),
        th.Property("mediaStatsMinConversationRFactor", th.NumberType),
        th.Property("divisionIds", th.ArrayType(th.StringType)),
        th.Property("participants", th.ArrayType(th.ObjectType(additional_properties=True))),
    ).to_dict()

    @property
    def url_base(self) -> str:
        """Where it asks."""
        return str(self.config["url"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """A token for all its requests."""
        return BearerTokenAuthenticator(token=token(self.url_base))

    def get_new_paginator(self) -> Pages:
        """Return one for all its days."""
        return Pages(len(list(days(self.config["to"]))))

    def prepare_request_payload(self, context: Any, next_page_token: Any) -> Any:  # noqa: ANN401 - as the SDK has it
        """Return the body that asks for a page."""
        day, number = next_page_token or (0, 1)
        return query(*list(days(self.config["to"]))[day], number)


class Example(Tap):
    """A tap with one stream."""

    name = "tap-example"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True), th.Property("to", th.StringType, required=True)
    ).to_dict()

    def discover_streams(self) -> list[Any]:
        """Return its only one."""
        return [Conversations(self)]


def run(url: str, to: str, folder: Path) -> int:
    """Write the batches; return how many records came."""
    storage = {"root": folder.as_uri(), "prefix": "batch-"}
    batches = {"encoding": {"format": "parquet"}, "storage": storage, "batch_size": 10000}
    Example(config={"url": url, "to": to, "batch_config": batches}, parse_env_config=False).sync_all()
    return sum(pq.read_metadata(path).num_rows for path in folder.glob("batch-*"))
