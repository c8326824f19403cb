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
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from resumable.api.profiles import applied, profile
from resumable.cli.parse import text_of
from resumable.cli.signature import OptionClass, OptionRow
from resumable.cli.usual_files import HERE, of_user
from resumable.errors import UsageError
from resumable.storage import durable
from resumable.storage.targets import place_of
from resumable.tomlfile import Table, TomlSource, nearest

Keys = Mapping[str, OptionRow]
"""What a job file may say: each key, with the option of the command that it stands for."""

PROFILES: Final = "profiles"


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
            found[keys[key].name] = value_of(source, (key,), keys[key], value)
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
        return applied(chosen, self.profiles[chosen], given)


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
    """Write what was typed as a new job file; defaults are left out. Raises UsageError where something is already.

    Also where no file may be made: in the folder of a job, or in none.
    """
    place = place_of(path, "a job file")
    if durable.kind_of(place) is not None:
        raise UsageError(f"{path} is there already.", hint="Choose another name: nothing is overwritten.")
    given = {key: getattr(options, row.name) for key, row in keys.items()}
    said = {key: value for key, value in given.items() if value not in (keys[key].default, [])}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in said.items()]
    durable.save(place, ("\n".join(lines) + "\n").encode(), public=True)


def value_of(source: TomlSource, keys: tuple[str, ...], row: OptionRow, value: object) -> Any:  # noqa: ANN401 - of its type
    """Return a value as a command takes it. Raises UsageError, at the line that the keys lead to."""
    if type(value) in row.option.also:
        return value.isoformat() if isinstance(value, date) else str(value)
    if row.kind is list:
        found = value if isinstance(value, list) else [value]
        if all(isinstance(one, str) for one in found):
            return found
        raise source.error(keys, "is a list of texts")
    if type(value) is not row.kind:
        raise source.error(keys, f"is {KINDS[row.kind]}")
    return value


def _profiles(source: TomlSource, raw: object) -> dict[str, dict[str, str]]:
    if not isinstance(raw, dict):
        raise source.error([PROFILES], "holds tables: [profiles.NAME]")
    return {name: profile(Table(source=source, keys=(PROFILES, name), raw=content)) for name, content in raw.items()}
