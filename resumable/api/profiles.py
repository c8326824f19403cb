"""Profiles: where to ask and whose credentials to use, by the names of variables and files, never by value.

A profile of a job file and a client of a fleet say the same. What it says becomes the environment of a run at the last
moment, on the machine that runs it, so that a profile can travel and a secret does not.
"""

from collections.abc import Mapping
from typing import Final

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
"""What a profile only names a place for: `_env` a variable, `_file` a file."""

PROFILE_KEYS: Final = (*VARIABLES, *(f"{name}_{where}" for name in CREDENTIALS for where in ("env", "file")))

_SECRET_BYTES = 8192


def profile(table: Table, *, more: bool = False) -> dict[str, str]:
    """Read a profile. Raises UsageError for what it may not say; `more`: other keys are the caller's to read."""
    if not isinstance(table.raw, dict):
        raise table.source.error(table.keys, f"is a table: [{'.'.join((*table.keys[:-1], 'NAME'))}]")
    for name in CREDENTIALS:
        if name in table.raw:
            raise table.error(
                name,
                "is not to be in a file",
                hint=f'Name a variable ({name}_env = "MY_VARIABLE") or a file that holds it ({name}_file = "path").',
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
    variable, file = said.get(f"{key}_env"), said.get(f"{key}_file")
    if file is not None:
        return _of_file(name, file)
    if variable is None:
        return given.get(CREDENTIALS[key], "")
    if not given.get(variable, "").strip():
        raise UsageError(
            f"the profile {name} takes its {key} from {variable}, which is not set.",
            hint=f"Set it, or name another variable as {key}_env.",
        )
    return given[variable]


def _of_file(profile: str, path: str) -> str:
    try:
        with open(path, "rb") as file:
            text = file.read(_SECRET_BYTES + 1).decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise UsageError(f"the file {path[:80]!a} of the profile {profile} is not UTF-8.") from None
    except (OSError, ValueError) as failure:
        why = getattr(failure, "strerror", None) or "that is no file name"
        raise UsageError(f"the profile {profile} names the file {path[:80]!a}, which cannot be read: {why}.") from None
    if not text or len(text) > _SECRET_BYTES or "\n" in text:
        raise UsageError(f"the file {path[:80]!a} of the profile {profile} does not hold one line.")
    return text
