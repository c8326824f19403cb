"""Job files: everything that the flags of a backfill say, and profiles of organisations, in TOML.

    profile = "prod"                        # which of the profiles below; --profile wins

    dataset = "conversations"
    from = 2025-01-01
    to = 2026-01-01
    queue = ["7d3c..."]
    rate = "80%"

    [profiles.prod]
    region = "eu-central-1"
    client_id_env = "PROD_CLIENT_ID"        # names of environment variables; a secret itself is never in the file
    client_secret_env = "PROD_CLIENT_SECRET"

A key is a flag with `_` for `-`. What is typed wins over what the file says.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from resumable.cli import secrets
from resumable.cli.parse import text_of
from resumable.cli.signature import OptionClass, OptionRow
from resumable.cli.usual_files import HERE, of_user
from resumable.errors import UsageError
from resumable.storage import durable
from resumable.tomlfile import Table, TomlSource, nearest

Keys = Mapping[str, OptionRow]
"""What a job file may say: each key, with the option of the command that it stands for."""

PROFILES: Final = "profiles"

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

PLACES: Final[Mapping[str, Callable[[str, str], str]]] = {
    "file": secrets.of_file,
    "command": secrets.of_command,
    "keyring": secrets.of_keyring,
}
"""How each place but a variable is asked, by its ending."""


@dataclass(frozen=True, kw_only=True)
class JobFile:
    """A job file that was read."""

    name: str = ""
    values: dict[str, Any]
    """What it says, by the names of options, as a command takes them."""
    profiles: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, path: str, keys: Keys) -> "JobFile":
        """Read a file. Raises UsageError naming the line and the key that is wrong."""
        text = text_of(f"@{path}", "--config")
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as failure:
            raise UsageError(f"{path} is not valid TOML: {failure}.", hint="See the example in the README.") from None
        source = TomlSource(name=path, text=text)
        found: dict[str, Any] = {}
        for key, value in raw.items():
            if key == PROFILES:
                continue
            if key not in keys:
                raise source.error([key], f"is not a key of a job file{nearest(key, [*keys, PROFILES])}")
            found[keys[key].name] = _value(source, keys[key], value)
        return cls(name=path, values=found, profiles=_profiles(source, raw.get(PROFILES, {})))

    def environment(self, chosen: str | None, given: Mapping[str, str]) -> Mapping[str, str]:
        """Return the environment as a profile has it; as it is where none is chosen. Raises UsageError."""
        if chosen is None:
            return given
        if chosen not in self.profiles:
            known = ", ".join(self.profiles) or "none"
            raise UsageError(
                f"{self.name or 'no job file'} has no profile {chosen[:40]!a}{nearest(chosen, self.profiles)}.",
                hint=f"It has: {known}. Profiles are in the file that --config names.",
            )
        # Nothing of another organisation is left: its region with these credentials would be refused at best.
        kept = {
            name: value for name, value in given.items() if name not in {*VARIABLES.values(), *CREDENTIALS.values()}
        }
        return {**kept, **_resolved(chosen, self.profiles[chosen], given)}


def usual(environment: Mapping[str, str], keys: Keys) -> JobFile:
    """Read those that nobody names: the working folder's says options, over those of the user, whose profiles count.

    A folder may be anybody's: whom to ask, and with which secret, is said by the user's own file alone.
    Raises UsageError.
    """
    user, found = of_user(environment), []
    values: dict[str, Any] = {}
    profiles: Mapping[str, Mapping[str, str]] = {}
    if user is not None and user.is_file():
        own = JobFile.read(str(user), keys)
        values, profiles, found = own.values, own.profiles, [str(user)]
    if HERE.is_file():
        here = JobFile.read(str(HERE), keys)
        if here.profiles:
            raise UsageError(
                f"{HERE} has profiles, and they are not read from a file that was not named.",
                hint=f"Move them to {user or 'a file of your own'}, or name the file: --config {HERE}",
            )
        values, found = {**values, **here.values}, [*found, str(HERE)]
    return JobFile(name=" and ".join(reversed(found)), values=values, profiles=profiles)


KINDS: Final[Mapping[type, str]] = {int: "a whole number", bool: "true or false", str: "a text"}
"""What a key that is no list may hold, in words."""


def write(path: Path, options: OptionClass, keys: Keys) -> None:
    """Write what was typed as a new job file; defaults are left out. Raises UsageError where there is one already."""
    if durable.kind_of(path.absolute()) is not None:
        raise UsageError(f"{path} is there already.", hint="Choose another name: nothing is overwritten.")
    given = {key: getattr(options, row.name) for key, row in keys.items()}
    said = {key: value for key, value in given.items() if value not in (keys[key].default, [])}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in said.items()]
    durable.save(path.absolute(), ("\n".join(lines) + "\n").encode(), public=True)


def _value(source: TomlSource, row: OptionRow, value: object) -> Any:  # noqa: ANN401 - of the key's type
    if type(value) in row.option.also:
        return value.isoformat() if isinstance(value, date) else str(value)
    if row.kind is list:
        found = value if isinstance(value, list) else [value]
        if all(isinstance(one, str) for one in found):
            return found
        raise source.error([row.key], "is a list of texts")
    if type(value) is not row.kind:
        raise source.error([row.key], f"is {KINDS[row.kind]}")
    return value


def _profiles(source: TomlSource, raw: object) -> dict[str, dict[str, str]]:
    if not isinstance(raw, dict):
        raise source.error([PROFILES], "holds tables: [profiles.NAME]")
    return {name: _profile(Table(source=source, keys=(PROFILES, name), raw=content)) for name, content in raw.items()}


def _profile(table: Table) -> dict[str, str]:
    if not isinstance(table.raw, dict):
        raise table.source.error(table.keys, "is a table: [profiles.NAME]")
    for name in CREDENTIALS:
        if name in table.raw:
            raise table.error(
                name,
                "is not to be in a file",
                hint=f'Name a variable ({name}_env = "MY_VARIABLE"), a file ({name}_file = "path"), a command'
                f' ({name}_command = "pass show genesys") or the keyring ({name}_keyring = "service/user").',
            )
    names = [*VARIABLES, *(f"{name}_{where}" for name in CREDENTIALS for where in ("env", *PLACES))]
    found = {name: table.text(name) for name in names}
    table.done()
    return {name: value for name, value in found.items() if value}


def _resolved(profile: str, said: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    found = {variable: said[key] for key, variable in VARIABLES.items() if key in said}
    for name, variable in CREDENTIALS.items():
        named = said.get(f"{name}_env")
        place = next((place for place in PLACES if f"{name}_{place}" in said), None)
        if place is not None:
            found[variable] = PLACES[place](profile, said[f"{name}_{place}"])
        elif named is None:
            found[variable] = given.get(variable, "")
        elif not given.get(named, "").strip():
            raise UsageError(
                f"the profile {profile} takes its {name} from {named}, which is not set.",
                hint=f"Set it, or name another variable as {name}_env.",
            )
        else:
            found[variable] = given[named]
    return found
