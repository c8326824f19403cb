"""Where a state is that lies in a bucket: its scheme, its container and a prefix, as people type them."""

import re
from dataclasses import dataclass
from typing import Final

from resumable.errors import UsageError

SCHEMES: Final = {"s3": "Amazon S3, or what speaks like it", "az": "Azure Blob Storage", "gs": "Google Cloud Storage"}

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)(?:/(.*))?", re.DOTALL)
_CONTAINER = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_PIECE = re.compile(r"[A-Za-z0-9!'()*_=.+-]+")


@dataclass(frozen=True, kw_only=True)
class Address:
    """A container and a prefix in it."""

    scheme: str
    container: str
    prefix: str = ""
    """Without a slash at either end."""

    def __str__(self) -> str:
        """Return the URL."""
        return f"{self.scheme}://{self.container}" + (f"/{self.prefix}" if self.prefix else "")

    def below(self, name: str) -> "Address":
        """Return the address of what is below it."""
        prefix = f"{self.prefix}/{name}" if self.prefix else name
        return Address(scheme=self.scheme, container=self.container, prefix=prefix)


def address_of(text: str, what: str) -> Address | None:
    """Read an address such as `s3://bucket/prefix`; None for what is none; `what` is how a message calls it.

    Raises UsageError for a scheme that no store has, and for what cannot be a container or a prefix. What stands before
    an @ may be a secret, and is not repeated.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return None
    scheme, container, prefix = found[1].lower(), found[2], (found[3] or "").strip("/")
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise UsageError(
            f"{what} cannot be an address of {scheme[:20]}://: that is not supported.",
            hint=f"Name a folder, or an address that begins with one of: {known}.",
        )
    if "@" in container:
        raise UsageError(
            f"the address of {what} holds credentials, and they do not belong there.",
            hint=f"Name it as {scheme}://bucket/prefix; credentials come from the provider's own variables.",
        )
    if not _CONTAINER.fullmatch(container):
        raise UsageError(f"{container[:70]!a} cannot be a bucket's name.", hint=f"Such as: {scheme}://bucket/prefix")
    if prefix and not all(_PIECE.fullmatch(piece) and piece.strip(".") for piece in prefix.split("/")):
        raise UsageError(
            f"{prefix[:70]!a} cannot be a prefix in a bucket.", hint="Use letters, digits, dots, dashes and slashes."
        )
    return Address(scheme=scheme, container=container, prefix=prefix)
