"""Finds the ids of queues by their names: in the newest list that was downloaded, or else at the server."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import pyarrow as pa

from resumable.api.client import Asked, Client, Stopped
from resumable.api.organisation import told_locally
from resumable.api.session import open_session
from resumable.clock import Stop
from resumable.config import Settings
from resumable.datasets.catalogue import permission_of
from resumable.datasets.contract import Contract
from resumable.datasets.facts import Paging
from resumable.datasets.resolve import get
from resumable.datasets.token_forms import GivenToken
from resumable.engine.belonging import NoJournal
from resumable.errors import (
    AuthenticationFailed,
    Failure,
    Fault,
    Incomplete,
    Interrupted,
    ProtocolFault,
    StatusFault,
    UsageError,
)
from resumable.export import source
from resumable.manifest.rows import JobRow
from resumable.models import Interval, Query
from resumable.tomlfile import nearest

_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

QUEUES: Final = "queues"

MOST_LISTED: Final = 20
"""Pages of 500 that are looked through where the server does not find a name by itself."""


def is_id(value: str) -> bool:
    """Tell whether a text has the form of an id of Genesys Cloud."""
    return _ID.fullmatch(value) is not None


def queue_ids(names: Sequence[str], contract: Contract, settings: Settings, *, stop: Stop) -> dict[str, str | None]:
    """Return the id of the queue of each name, whatever its case; None of a name that nobody can be asked about.

    The server is asked where no list was downloaded: a request a name where it finds it, else its list is looked
    through. Raises UsageError for a name that no queue has, or more than one; AuthenticationFailed where the client may
    not read queues; Incomplete, Interrupted.
    """
    listed = _downloaded(contract, settings)
    if listed is not None:
        return {name: listed.id_of(name) for name in names}
    if settings.endpoints is None or not settings.client_id or isinstance(contract.token_form, GivenToken):
        return dict.fromkeys(names)
    try:
        with open_session(contract, settings, stop=stop, journal=NoJournal()) as client:
            asking = _Asking(client)
            return {name: asking.id_of(name) for name in names}
    except Stopped:
        raise Interrupted("interrupted: nothing was changed.", hint="Run the same command again.") from None
    except StatusFault as fault:
        if fault.failure is Failure.FORBIDDEN:
            raise _forbidden(names[0]) from None
        return dict.fromkeys(names)  # a gateway may have no list of queues
    except ProtocolFault:
        return dict.fromkeys(names)
    except Fault as fault:
        raise Incomplete(
            f"the queue {names[0][:60]!r} could not be looked up: {fault.reason}.",
            hint="Nothing was downloaded. Run the same command again, or name the queue by its id.",
            unreachable=True,
        ) from None


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A list of queues."""

    entries: Mapping[str, Sequence[tuple[str, str]]]
    """Id and name of each queue, by its name in lower case."""
    where: str
    """What to say of where it was looked up."""
    command: str | None = None
    """What brings a newer list."""

    def id_of(self, name: str) -> str:
        """Return the id of the only queue of a name. Raises UsageError."""
        found = self.entries.get(name.casefold(), ())
        if len(found) == 1:
            return found[0][0]
        if found:
            raise UsageError(
                f"{len(found)} queues are called {name[:60]!r}.",
                hint=f"Name one by its id: {', '.join(id_ for id_, _ in found)}.",
            )
        names = [each[0][1] for each in self.entries.values()]
        raise UsageError(
            f"no queue is called {name[:60]!r}{nearest(name, names)}.", hint=self.where, command=self.command
        )


def _downloaded(contract: Contract, settings: Settings) -> _Known | None:
    found = source.newest(settings.files, QUEUES, {}, lambda job: may_be_asked(job, contract, settings))
    if found is None:
        return None
    tables = (found.proven.table(piece.key, piece.part, columns=["id", "name"]) for piece in found.pieces)
    return _Known(
        entries=_by_name(entry for table in tables for entry in _entries(table)),
        where=f"It is looked up in the job {found.job.name}. Download the list again with:",
        command="resumable backfill queues",
    )


class _Asking:
    """Looks names up at the server."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._all: _Known | None = None

    def id_of(self, name: str) -> str:
        """Return the id of the only queue of a name. Raises UsageError, and what an exchange raises."""
        # The filter of the server takes * as any text, and nobody documents whether case counts.
        found = _by_name(self._page(name, number=1)[0])
        if name.casefold() in found:
            return _Known(entries=found, where="").id_of(name)
        if self._all is None:
            entries = _by_name(self._listed())
            self._all = _Known(entries=entries, where="Name it as Genesys Cloud shows it, or by its id.")
        return self._all.id_of(name)

    def _listed(self) -> Iterator[tuple[str, str]]:
        number, pages = 1, 1
        while number <= min(pages, MOST_LISTED):
            entries, pages = self._page(None, number=number)
            yield from entries
            number += 1

    def _page(self, name: str | None, *, number: int) -> tuple[list[tuple[str, str]], int]:
        queues = get(QUEUES)
        if queues.paging is not Paging.NUMBERED:
            raise TypeError("a list of queues has numbered pages")
        size, now = queues.page_sizes.most, self._client.stop.clock.now()
        day = Interval(start=now, end=now + timedelta(days=1))  # a list has none, and names it nowhere
        request = queues.request(Query(), day, number, size)
        if name is not None:
            request = replace(request, params={**request.params, "name": name})
        asked = Asked(what="looking up a queue", request=request, optional=True, counted=False)
        answer = self._client.exchange(asked, lambda reply: queues.read(reply.body, size, self._client.redactor))
        entries = [] if answer.table is None else list(_entries(answer.table))
        return entries, answer.said.page_count or 1


def _entries(table: pa.Table) -> Iterator[tuple[str, str]]:
    for row in table.select(["id", "name"]).to_pylist():
        yield str(row["id"]), str(row["name"])


def _by_name(entries: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    known: dict[str, list[tuple[str, str]]] = {}
    for id_, name in entries:
        known.setdefault(name.casefold(), []).append((id_, name))
    return known


def _forbidden(name: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        f"this client may not read queues, so that {name[:60]!r} could not be looked up: "
        f"{permission_of(QUEUES)} is missing.",
        hint="Name the queue by its id, or give the OAuth client a role with that permission.",
    )


def may_be_asked(listed: JobRow, contract: Contract, settings: Settings) -> bool:
    """Tell whether a list may be of the organisation that is going to be asked."""
    if settings.endpoints is None or not settings.client_id or isinstance(contract.token_form, GivenToken):
        return True
    told, known = told_locally(contract, settings), listed.organisation
    return known is None or known.origin == told.origin
