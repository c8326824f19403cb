"""Profiles: where to ask and whose credentials to use, by the names of variables and files, never by value.

A profile of a job file and a client of a fleet say the same. What it says becomes the environment of a run at the last
moment, on the machine that runs it, so that a profile can travel and a secret does not.
"""

from collections.abc import Mapping
from typing import Final

from resumable.api.secret_places import PLACES
from resumable.errors import UsageError
from resumable.tomlfile import Table

VARIABLES: Final = {
    "region": "GENESYS_REGION",
    "api_url": "GENESYS_API_URL",
    "login_url": "GENESYS_LOGIN_URL",
    "proxy": "RESUMABLE_PROXY",
    "ca_bundle": "RESUMABLE_CA_BUNDLE",
}
"""What a profile says itself, and the environment variable in whose place it stands."""

CREDENTIALS: Final = {"client_id": "GENESYS_CLIENT_ID", "client_secret": "GENESYS_CLIENT_SECRET"}
"""What a profile only names a place for: `_env` a variable, `_file` a file, and so on."""

PROFILE_KEYS: Final = (*VARIABLES, *(f"{name}_{where}" for name in CREDENTIALS for where in ("env", *PLACES)))


def profile(table: Table, *, more: bool = False) -> dict[str, str]:
    """Read a profile. Raises UsageError for what it may not say; `more`: other keys are the caller's to read."""
    if not isinstance(table.raw, dict):
        raise table.source.error(table.keys, f"is a table: [{'.'.join((*table.keys[:-1], 'NAME'))}]")
    for name in CREDENTIALS:
        if name in table.raw:
            raise table.error(
                name,
                "is not to be in a file",
                hint=f'Name a variable ({name}_env = "MY_VARIABLE"), a file ({name}_file = "path"), a command'
                f' ({name}_command = "pass show genesys") or the keyring ({name}_keyring = "service/user").',
            )
    found = {name: table.text(name) for name in PROFILE_KEYS}
    if not more:
        table.done()
    return {name: value for name, value in found.items() if value}


def applied(name: str, said: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment as a profile has it. Raises UsageError where a variable or a file is not there.

    Nothing of another organisation is left in it: its region with these credentials would be refused at best.
    """
    replaced = {*VARIABLES.values(), *CREDENTIALS.values()}
    kept = {variable: value for variable, value in given.items() if variable not in replaced}
    told = {variable: said[key] for key, variable in VARIABLES.items() if key in said}
    return {**kept, **told, **{CREDENTIALS[key]: credential(name, said, key, given) for key in CREDENTIALS}}


def credential(name: str, said: Mapping[str, str], key: str, given: Mapping[str, str]) -> str:
    """Return the client id or the secret of a profile; empty where nobody says one. Raises UsageError."""
    place = next((place for place in PLACES if f"{key}_{place}" in said), None)
    if place is not None:
        return PLACES[place](name, said[f"{key}_{place}"])
    variable = said.get(f"{key}_env")
    if variable is None:
        return given.get(CREDENTIALS[key], "")
    if not given.get(variable, "").strip():
        raise UsageError(
            f"the profile {name} takes its {key} from {variable}, which is not set.",
            hint=f"Set it, or name another variable as {key}_env.",
        )
    return given[variable]
