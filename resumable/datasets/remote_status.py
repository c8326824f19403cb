"""What a server says of a job of its own."""

import enum
from dataclasses import dataclass
from datetime import datetime


class RemoteState(enum.Enum):
    """Where a job on the server stands."""

    WAITING = "waiting"
    READY = "ready"
    GONE = "gone"
    """Failed, cancelled or expired: it will bring nothing more."""


@dataclass(frozen=True, kw_only=True)
class RemoteStatus:
    """What the server says of a job of its own."""

    state: RemoteState
    word: str
    """The server's own word for it, with its error message."""
    expires_at: datetime | None = None
