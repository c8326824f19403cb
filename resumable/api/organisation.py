"""Whose data an API serves: asked of the server where it can be asked, told by origin and client where it cannot."""

import hashlib
from urllib.parse import urlsplit

from resumable.api.client import Asked, Client
from resumable.config import Settings
from resumable.datasets.contract import Contract, members, text
from resumable.datasets.token_forms import GivenToken
from resumable.errors import ProtocolFault, StatusFault, UsageError
from resumable.models import Organisation, Request
from resumable.text import described
from resumable.transport.http import Reply

ME = Request(method="GET", path="/api/v2/organizations/me")
"""Answers `id` and `name` (official SDK); which permission it needs is documented nowhere, so a role may lack it."""

LONGEST = 200
"""Characters of an id or a name; a longer one is not believed."""


def told_locally(contract: Contract, settings: Settings) -> Organisation:
    """Return what the settings alone say: the origin and a digest of the client id. Nothing is asked."""
    parts = urlsplit(settings.required_endpoints().api)
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    if isinstance(contract.token_form, GivenToken):
        return Organisation(origin=origin)
    client_id, _ = settings.required_client()
    return Organisation(origin=origin, client=hashlib.sha256(client_id.encode()).hexdigest()[:16])


def identify(client: Client, contract: Contract, settings: Settings) -> Organisation:
    """Return whose data the server serves to this client. Costs one request where the API is Genesys's.

    Where the server will not say, the origin and the client's digest have to do. Raises what an exchange raises where
    nobody answers at all.
    """
    known = told_locally(contract, settings)
    if known.client is None:
        return known
    try:
        asked = Asked(what="asking whose data this is", request=ME, optional=True, counted=False)
        return client.exchange(asked, lambda reply: _named(known, reply))
    except (StatusFault, ProtocolFault):
        return known


def _named(known: Organisation, reply: Reply) -> Organisation:
    answer = members(reply.body)
    found, name = text(answer, "id"), text(answer, "name")
    if not found or not found.isprintable() or len(found) > LONGEST:
        raise ProtocolFault("the answer names no organisation")
    usable = name if name and name.isprintable() and len(name) <= LONGEST else None
    return Organisation(origin=known.origin, id=found, name=usable, client=known.client)


def same(known: Organisation, found: Organisation, *, confirmed: bool = False) -> Organisation | None:
    """Return what is known once both are taken to be one organisation; None where they are not.

    Two ids decide. Where one is missing, origin and client must be the same, or the user has `confirmed` it.
    """
    if known.id is not None and found.id is not None:
        return found if known.id == found.id else None
    if confirmed or (known.origin, known.client) == (found.origin, found.client):
        return Organisation(
            origin=found.origin, id=found.id or known.id, name=found.name or known.name, client=found.client
        )
    return None


def foreign(job: str, known: Organisation, found: Organisation) -> UsageError:
    """Return the error that refuses another organisation, naming both."""
    sure = known.id is not None and found.id is not None
    hint = "Use the profile or the environment that the job was begun with, or give this one another name with --job."
    if not sure:
        hint += " If it is the same organisation behind a new client or address, confirm it with --same-organisation."
    return UsageError(
        f"the job {job} holds data of {described(known)}, and these credentials lead to {described(found)}.", hint=hint
    )
