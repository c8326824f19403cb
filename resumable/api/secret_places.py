"""Gets a secret from where a profile says that it is: a file, a command, or the system's keyring."""

import importlib
import importlib.util
import shlex
import subprocess
from collections.abc import Callable, Mapping
from typing import Final

from resumable.errors import LibraryMissing, UsageError

SECONDS: Final = 60.0
"""A command that asks a person for a touch or a word is waited for."""

_MOST: Final = 8192


def of_file(profile: str, name: str) -> str:
    """Return what a file of a profile holds. Raises UsageError where that is not one line."""
    return place_file(f"the profile {profile}", name)


def place_file(whose: str, name: str) -> str:
    """Return what a file holds. Raises UsageError where that is not one line."""
    what = f"the file {name[:80]!a} of {whose}"
    try:
        with open(name, "rb") as file:
            text = file.read(_MOST + 1).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{what} is not UTF-8.", hint="It is to hold the secret alone, as text.") from None
    except (OSError, ValueError) as failure:
        why = getattr(failure, "strerror", None) or "that is not a file name"
        raise UsageError(
            f"{whose} names the file {name[:80]!a}, which cannot be read: {why}.",
            hint="Correct the path, or the permissions of the file.",
        ) from None
    return _line(text, what)


def of_command(profile: str, command: str) -> str:
    """Return what the command of a profile writes. Raises UsageError where it fails, never with its output."""
    return written_by(f"the profile {profile}", command)


def written_by(whose: str, command: str) -> str:
    """Return what a command writes, run without a shell. Raises UsageError where it fails, never with its output."""
    what = f"the command of {whose}"
    try:
        # What it writes to stderr is for the person: a password manager asks there.
        done = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, timeout=SECONDS, check=False)  # noqa: S603 - the user's own command, from a file that the user named
        text = done.stdout.decode()
    except (OSError, ValueError, subprocess.TimeoutExpired) as failure:
        why = getattr(failure, "strerror", None) or f"{type(failure).__name__}"
        raise UsageError(f"{what} could not be run: {why}.", hint="Run it by itself to see.") from None
    if done.returncode:
        raise UsageError(f"{what} ended with {done.returncode}.", hint="Run it by itself to see why.")
    return _line(text, f"what {what} writes")


def of_keyring(profile: str, place: str) -> str:
    """Return what the system's keyring has under `service/user`. Raises UsageError, LibraryMissing."""
    service, _, user = place.partition("/")
    if not service or not user:
        raise UsageError(
            f"the profile {profile} names {place[:60]!a} in the keyring.", hint="Write it as service/user."
        )
    if importlib.util.find_spec("keyring") is None:
        raise LibraryMissing("a secret from the system's keyring", "keyring")
    keyring = importlib.import_module("keyring")
    try:
        found = keyring.get_password(service, user)
    except importlib.import_module("keyring.errors").KeyringError as failure:
        raise UsageError(
            f"the keyring could not be asked: {type(failure).__name__}.", hint="Unlock it, then run the same command."
        ) from None
    if found is None:
        raise UsageError(
            f"the keyring has nothing for {place[:60]!a}, which the profile {profile} names.",
            hint="Put it there:",
            command=f"keyring set {shlex.quote(service)} {shlex.quote(user)}",
        )
    return _line(found, f"what the keyring has for the profile {profile}")


def _line(text: str, what: str) -> str:
    text = text.strip()
    if not text or len(text) > _MOST or "\n" in text:
        raise UsageError(f"{what} does not hold one line.", hint="It is to hold the secret alone, on one line.")
    return text


PLACES: Final[Mapping[str, Callable[[str, str], str]]] = {"file": of_file, "command": of_command, "keyring": of_keyring}
"""How each place is asked, by the ending of the key that names it; a variable is looked up in the environment."""
