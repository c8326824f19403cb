"""An endpoint that a file describes: what such have in common, made of the description and of nothing that is code."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

from resumable.datasets.contract import Answer, no_json, whole_number
from resumable.datasets.described.columns import inferred_columns
from resumable.datasets.described.declaration import Declaration
from resumable.datasets.described.forms import MOST_IDS
from resumable.datasets.described.records import EACH, TOP, found
from resumable.datasets.described.template import UNITS as TIME_UNITS
from resumable.datasets.described.template import Keys, as_parameter, filled, filled_path, object_at, written
from resumable.datasets.facts import NO_FILTERS, Excess, Filters, IdsOf, PageSizes
from resumable.datasets.page_bodies import Envelope, read_answer
from resumable.datasets.token_forms import GivenToken, TokenForm
from resumable.errors import UsageError
from resumable.models import MOST_COUNTED, Interval, Request, Said
from resumable.redaction import Redactor
from resumable.schema.fields import Fields
from resumable.schema.schema import Schema, build
from resumable.schema.strict_json import NotJson
from resumable.text import spoken


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What described endpoints have in common, whatever the style of their paging."""

    declaration: Declaration
    columns: "Fields | None"
    """None where they are to be inferred and have not been yet: then the key alone is a column."""

    @property
    def name(self) -> str:
        """The name that the description gives."""
        return self.declaration.name

    @cached_property
    def schema(self) -> Schema:
        """The columns as declared, or as inferred."""
        key, start = self.declaration.key, self.declaration.start
        columns = inferred_columns([], key, start) if self.columns is None else self.columns
        named_by = tuple(".".join(part.path) for part in self.declaration.key_parts)
        return build(self.name, 1, columns, key, start, named_by=named_by)

    @property
    def documented_rate(self) -> float:
        """`rate_per_minute`."""
        return self.declaration.rate_per_minute

    @property
    def page_sizes(self) -> PageSizes:
        """`page_size` and `page_size_max`; where its request has no place for one, the server alone decides."""
        asked = "page_size" in self.declaration.used
        paging = self.declaration.paging
        excess = Excess.REFUSED if asked else Excess.IGNORED
        return PageSizes(usual=paging.page_size, most=paging.page_size_max, excess=excess)

    @property
    def interval_max(self) -> timedelta | None:
        """`longest_window`."""
        return self.declaration.paging.longest_window

    @property
    def interval_min(self) -> timedelta | None:
        """An hour, or a day where its request names days."""
        by_day = self.declaration.request.time == "date"
        return None if self.timeless else timedelta(days=1) if by_day else timedelta(hours=1)

    @property
    def deep_limit(self) -> int | None:
        """`records_max`."""
        return self.declaration.paging.records_max

    @property
    def token_form(self) -> TokenForm | GivenToken:
        """`token` and `header`."""
        return self.declaration.token

    @property
    def timeless(self) -> bool:
        """Whether its request has no place for a range."""
        return "from" not in self.declaration.used

    @property
    def end_key(self) -> None:
        """Return None: a description says nothing of an end."""
        return None

    @property
    def by_id(self) -> None:
        """Return None: a description has no other request."""
        return None

    @property
    def counting(self) -> None:
        """Return None: a description has no other request."""
        return None

    @property
    def table(self) -> str:
        """Its name."""
        return self.name

    @property
    def filters(self) -> Filters:
        """Nothing, but the ids that there is a request for each of: what narrows it is in the description."""
        each = self.declaration.each
        if each is None:
            return NO_FILTERS
        return Filters(
            fields=frozenset({"each"}), ids=IdsOf(dataset=each.of, member=each.member, most=MOST_IDS * each.at_once)
        )

    @property
    def description(self) -> str:
        """The description with every default."""
        return self.declaration.canonical

    def sample(self, body: bytes, redactor: Redactor) -> str:
        """Return the columns that hold a page, as text for `with_columns`; empty where it has no records.

        Raises ProtocolFault.
        """
        try:
            records = found(body, self.declaration.answer.records).records
        except NotJson as error:
            raise no_json(error, body, redactor) from None
        if not records:
            return ""
        return json.dumps(inferred_columns(records, self.declaration.key, self.declaration.start))

    def _values(self, window: Interval, page_size: int) -> dict[str, str | int]:
        form, inclusive = self.declaration.request.time, self.declaration.request.inclusive
        end = window.end - TIME_UNITS[form] if inclusive else window.end
        try:
            return {"page_size": page_size, "from": written(window.start, form), "to": written(end, form)}
        except ValueError as error:
            raise UsageError(
                f"{self.name} cannot be asked for the window {spoken(window)}: {error}.",
                hint='With time = "date" the range and its windows are whole UTC days; with "epoch_s", whole seconds.',
            ) from None

    def _request(self, values: Mapping[str, str | int]) -> Request:
        made = self.declaration.request
        return Request(
            method=made.method,
            path=filled_path(made.path, values),
            params={name: as_parameter(filled(value, values)) for name, value in made.params.items()},
            body=filled(made.body, values) if made.method == "POST" else None,
        )

    def _answer(
        self,
        body: bytes,
        redactor: Redactor,
        members: Iterable[Keys],
        said: Callable[[Mapping[str, Any]], Said],
        added: Mapping[str, str] | None = None,
    ) -> Answer:
        """Read a page; `members` are read beside its records, which have `added` in them. Raises ProtocolFault."""
        declaration, where = self.declaration, self.declaration.answer
        envelope = Envelope(
            records_key="the answer itself" if where.records == (TOP,) else where.records[-1],
            within=[each.removesuffix(EACH) for each in where.records[:-1]],
            members={keys[0] for keys in members if keys},
            # A count of 0 where the description has one says that there is nothing, as the missing list does.
            may_lack=lambda told, _: where.may_lack or 0 in (told.total, told.page_count),
            documented=declaration.strict,
        )
        plain = not (declaration.key_parts or added) and all(not each.endswith(EACH) for each in where.records)
        shape = None
        if not plain or where.records == (TOP,):
            shape = partial(found, way=where.records, key=declaration.key_parts, added=added)
        return read_answer(body, self.schema, envelope=envelope, redactor=redactor, said=said, shape=shape)

    def _whole(self, answer: Mapping[str, Any], keys: Keys, *, most: int = MOST_COUNTED) -> int | None:
        return whole_number(object_at(answer, keys[:-1]), keys[-1], most=most) if keys else None
