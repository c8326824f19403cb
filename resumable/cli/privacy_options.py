"""The options of private jobs and exports: what is left out, what is hashed, and the rules that they make."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from resumable.api.secret_places import place_file, written_by
from resumable.cli.signature import Option
from resumable.config import hash_key
from resumable.errors import UsageError
from resumable.redaction import Secret
from resumable.schema.privacy import PrivacyRules, rules_for
from resumable.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class KeyOptions:
    """Where the key of hashes is."""

    hash_key: Annotated[
        str | None,
        Option(
            flag="--hash-key",
            metavar="WHERE",
            help="The key of --hash: env:NAME, file:PATH or command:COMMAND; RESUMABLE_HASH_KEY when not given.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class PrivacyOptions(KeyOptions):
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


def key_of(options: KeyOptions, environment: Mapping[str, str]) -> Callable[[], Secret]:
    """Return what gets the key of hashes, once and when it is needed: a command may ask a person for it.

    Raises UsageError for a place that is none; what it returns raises UsageError where nothing is there.
    """
    where = options.hash_key
    if where is None:
        return lambda: hash_key(environment)
    kind, _, place = where.partition(":")
    if kind not in ("env", "file", "command") or not place:
        # What was typed may be the key itself.
        raise UsageError(
            "--hash-key says where the key is, and not what it is.",
            hint="Write env:NAME, file:PATH or command:COMMAND.",
        )

    def get() -> Secret:
        if kind == "env":
            return Secret(environment.get(place, "").strip())
        found = place_file("the key of hashes", place) if kind == "file" else written_by("the key of hashes", place)
        return Secret(found)

    return cache(get)


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
