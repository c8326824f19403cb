"""Reads `.env` of the working folder: variables, as a shell would set them, for whoever keeps a client there."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from resumable.errors import UsageError

NAME: Final = ".env"
OURS: Final = ("GENESYS_", "RESUMABLE_")

_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_MOST_BYTES: Final = 64 * 1024


def with_dotenv(environment: Mapping[str, str], folder: Path) -> Mapping[str, str]:
    """Return the environment with the GENESYS_ and RESUMABLE_ variables of a folder's `.env`.

    What is set already wins. Where anything of whom to ask is set (GENESYS_...), the file says nothing of that: half of
    one client and half of another would send a secret where it does not belong. Raises UsageError for a broken line.
    """
    found = _read(folder / NAME)
    if any(name.startswith("GENESYS_") and value for name, value in environment.items()):
        found = {name: value for name, value in found.items() if not name.startswith("GENESYS_")}
    return {**found, **environment} if found else environment


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}  # not ours, it seems: other programs have such a file as well
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        said = _LINE.fullmatch(line.strip())
        if said is None or not said[1].startswith(OURS):
            continue
        value = said[2]
        if value[:1] in ("'", '"'):
            if len(value) < 2 or value[-1] != value[0]:
                raise UsageError(
                    f"line {number} of {path} has a quote that is not closed.", hint=f"Mind the value of {said[1]}."
                )
            value = value[1:-1]
        else:
            value = re.sub(r"\s+#.*", "", value)
        found[said[1]] = value
    return found
