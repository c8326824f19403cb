"""The blanks of a shape, to be filled in for each record, and what a shape says to the aggregates."""

from dataclasses import dataclass


def blank_time(offset_ms: int) -> str:
    """Stand in for the instant so many milliseconds after the conversation's start."""
    return f"\0t{offset_ms}\0"


def blank_id(number: int) -> str:
    """Stand in for the conversation's identifier number so and so; 0 is its own."""
    return f"\0i{number}\0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Emission:
    """One metric at the moment at which it is known: what aggregates add up, apart from the records' JSON."""

    at_ms: int  # after the conversation's start
    metric: str
    value: int
    queue_id: str | None
    media: str
    direction: str
    user_id: str | None
