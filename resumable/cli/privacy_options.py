"""The options of private jobs and exports: what is left out, what is hashed, and the rules that they make."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

from resumable.cli.signature import Option
from resumable.schema.privacy import PrivacyRules, rules_for
from resumable.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class PrivacyOptions:
    """What of a record nobody is to see."""

    drop: Annotated[
        list[str] | None,
        Option(flag="--drop", metavar="PATH", help="Leave a field out, such as participants.sessions.ani."),
    ] = None
    hashed: Annotated[
        list[str] | None,
        Option(flag="--hash", metavar="PATH", help="Keep a keyed hash of a text, in place of it."),
    ] = None
    only: Annotated[
        list[str] | None,
        Option(flag="--only", metavar="PATH", help="Keep this field; leave out all that is not named."),
    ] = None
    preset: Annotated[
        str | None,
        Option(flag="--preset", metavar="pii", help="Leave out names, numbers, addresses and free texts."),
    ] = None


def rules_of(
    options: PrivacyOptions, schema: Callable[[], Schema], *, needed: Iterable[str], key_id: Callable[[], str]
) -> PrivacyRules | None:
    """Return the rules that options make; None where none is given. Raises UsageError for a field that is wrong."""
    if not (options.drop or options.hashed or options.only or options.preset is not None):
        return None
    return rules_for(
        schema(),
        drop=options.drop or (),
        hashed=options.hashed or (),
        only=options.only or (),
        preset=options.preset,
        needed=needed,
        key_id=key_id,
    )
