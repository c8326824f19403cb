"""What nobody documents of the real server: each is a switch here, and the product is to survive either position."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How the second server behaves where the facts leave it open."""

    clamp_page_size: bool = False
    """Whether a details query with more than 100 a page gets 100, in place of a 400."""
    null_past_end: bool = False
    """Whether the records' key is null past the last page, in place of absent."""
    deep_limit: int = 100_000
    job_page_most: int = 1000
    list_page_most: int = 500
    polls: int = 1
    """How often a job is not yet done when it is looked at."""
    job_slots: int | None = None
    """How many jobs may be there at once; None is any number."""
    slot_retry_after: str | None = "5"
    """What a 429 for too many jobs says of waiting."""
    available_until: datetime | None = None
    """Data before this moment is in the jobs' store; None: all of it."""
    strict_words: bool = False
    """Whether a `sortOrder` that a list does not know is a 400."""
    organisation_allowed: bool = True
    """Whether the role may read organizations/me."""
    token_seconds: int = 86_400
    rate: int = 300
    """Requests a minute that the headers tell of; none is ever refused for it."""
    requests_most: int = 2_000
    """After so many requests everything is refused: a run that asks for ever ends, and is found out."""
