"""How a client shows who it is to an API: by an OAuth grant, or by a token that the user gave."""

import enum
from dataclasses import dataclass


class TokenForm(enum.Enum):
    """How client id and secret travel."""

    BASIC = "basic"
    """As HTTP Basic, to the login host."""
    FIELDS = "fields"
    """As form fields, to the API host."""


@dataclass(frozen=True, kw_only=True)
class GivenToken:
    """A token that the user has already, for an API that issues none: where it is, and how it travels."""

    variable: str | None
    """The environment variable that holds it; None where the API wants no token."""
    header: str
    form: str
    """The header's value, with `{token}` in the place of the token."""
