"""The address of the next page, as an answer names it: followed on the API host only, and nowhere else."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from resumable.datasets.contract import LONGEST_CURSOR, text
from resumable.errors import ProtocolFault

_UNFIT: Final = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\#]")


def next_address(answer: Mapping[str, Any], name: str, origin: str | None) -> str | None:
    """Return path and query of the address that a member holds; None where there is none.

    `origin` is the API's: scheme, host and port. An address with another one, or that could lead elsewhere, is no
    answer of the API: it is refused before it is kept. Raises ProtocolFault.
    """
    address = text(answer, name)
    if not address:
        return None
    if len(address) > LONGEST_CURSOR or _UNFIT.search(address):
        raise ProtocolFault(f"{name} is not an address that a request could hold")
    try:
        parts = urlsplit(address)
        theirs = f"{parts.scheme}://{parts.netloc}" if parts.scheme or parts.netloc else None
    except ValueError:
        raise ProtocolFault(f"{name} is not an address") from None
    if theirs is not None and theirs.lower() != (origin or "").lower():
        raise ProtocolFault(f"{name} leads to another host than the API's, and is not followed")
    if not parts.path.startswith("/") or parts.path.startswith("//"):
        raise ProtocolFault(f"{name} is not a path on the API host")
    if any(piece in (".", "..") for piece in unquote(parts.path).split("/")):
        raise ProtocolFault(f"{name} climbs, and is not followed")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
