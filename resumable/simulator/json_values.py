"""Small things that several modules write or read text with."""

from typing import Any, TypeAlias

Json: TypeAlias = Any  # what json.loads returns, before anybody has looked at it


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text: a table of names that stays readable."""
    return tuple(text.split())
