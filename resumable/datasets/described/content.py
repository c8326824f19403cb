"""What may stand in a request that a file describes: no other host, no secret, nothing that JSON has no form for."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from resumable.datasets.described.template import Json, Keys, placeholders
from resumable.tomlfile import Table, TomlSource

_UNFIT: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\?#]")
_SECRETS: Final = {
    *("accesstoken", "apikey", "apitoken", "authtoken"),
    *("authorization", "clientsecret", "password", "secret"),
}


def check_path(table: Table, key: str, path: str) -> None:
    """Refuse a path that leads off the API host. Raises UsageError."""
    if "://" in path or not path.startswith("/") or path.startswith("//"):
        raise table.error(
            key,
            "is not a path on the API host, such as /api/v1/tickets",
            hint="The host is set by GENESYS_API_URL alone, so that no file can send a token elsewhere.",
        )
    if _UNFIT.search(path) or any(part in (".", "..") for part in unquote(path).split("/")):
        raise table.error(key, "holds what a path cannot: spaces, ?, #, \\ or ..", hint="Use params for them.")


def check_params(source: TomlSource, params: Mapping[str, Json], keys: Keys) -> None:
    """Refuse parameters that are neither a plain value nor a list of some. Raises UsageError."""
    for key, value in params.items():
        values = value if isinstance(value, list) and value else [value]
        if not all(type(each) in (str, int, float, bool) for each in values):
            raise source.error((*keys, key), "is not a text, a number, true or false, or a list of them")


def check_content(source: TomlSource, value: Json, keys: Keys) -> None:
    """Refuse what JSON has no form for, and constants that look like a secret. Raises UsageError."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if re.sub("[-_ ]", "", name.lower()) in _SECRETS and not list(placeholders(inner)):
                raise source.error((*keys, name), "looks like a secret", hint='Use token = "env:NAME" and header.')
            check_content(source, inner, (*keys, name))
    elif isinstance(value, list):
        for inner in value:
            check_content(source, inner, keys)
    elif type(value) not in (str, int, float, bool) or (type(value) is float and value - value != 0):
        raise source.error(keys, "is a time, NaN or infinity, which JSON does not have", hint="Write it as a text.")
