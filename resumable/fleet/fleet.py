"""What a fleet is: clients, by the names of their credentials, and jobs, each of one client."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from resumable.api.profiles import VARIABLES, credential
from resumable.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class FleetClient:
    """An OAuth client, and where it asks."""

    name: str
    profile: Mapping[str, str]
    """As a profile of a job file says it: no secret is in it, only names of variables and files."""


@dataclass(frozen=True, kw_only=True)
class FleetJob:
    """One job of a client."""

    client: FleetClient
    name: str
    dataset: str
    arguments: tuple[str, ...]
    """What `backfill` and `plan` are given to run it."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """All jobs, in the order of their file."""

    source: str
    """The file, for messages."""
    jobs: tuple[FleetJob, ...]


def allowances(clients: Iterable[FleetClient], environment: Mapping[str, str]) -> dict[str, str]:
    """Return which allowance each client uses, by its name: clients with one id at one address use the same.

    Where the id of a client is not to be had here, it is known by the name of what holds it.
    """
    return {client.name: _allowance(client, environment) for client in clients}


def _allowance(client: FleetClient, environment: Mapping[str, str]) -> str:
    said = client.profile
    where = [said.get(key) or environment.get(VARIABLES[key], "") for key in ("api_url", "region")]
    address = where[0].rstrip("/") or where[1].strip().lower()
    try:
        who = credential(client.name, said, "client_id", environment).strip()
    except UsageError:
        who = ""
    return f"{address}\n{who or said.get('client_id_file') or said.get('client_id_env') or client.name}"
