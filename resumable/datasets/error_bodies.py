"""Tells an answer that speaks of an error from a page: gateways and the API itself send such bodies with a 200, too."""

from collections.abc import Collection, Mapping
from typing import Any, Final

_ERRORS: Final = ("error", "errors", "fault", "faults", "exception")
_CODES: Final = ("code", "errorCode", "error_code")
_STATUSES: Final = ("status", "statusCode", "status_code", "httpStatus")
_MESSAGES: Final = ("message", "messageWithParams", "errorMessage", "error_description", "detail", "title", "reason")
_OUTAGES: Final = ("maintenance", "maintenanceMode", "unavailable")
_VERDICTS: Final = ("success", "ok")

_PLAIN: Final = (*_ERRORS, *_CODES, *_STATUSES, *_MESSAGES, *_OUTAGES, *_VERDICTS, "contextId")

ERROR_WORDS: Final = (*_PLAIN, *(word[0].upper() + word[1:] for word in _PLAIN))
"""Members at the top of an answer by which it may speak of an error; gateways write them large, too."""

_FINE: Final = frozenset({"", "ok", "success", "successful", "complete", "completed", "done", "200", "201"})
_BAD: Final = (
    "error",
    "fail",
    "fault",
    "unavailable",
    "maintenance",
    "denied",
    "exception",
    "invalid",
    "exceed",
    "limit",
)
_FIRST_ERROR: Final = 400


def error_in(answer: Mapping[str, Any], *, own: Collection[str] = (), documented: bool, empty: bool) -> str:
    """Name the member by which an answer speaks of an error; nothing where it speaks of none.

    `own` are members that the contract has a use of its own for. `documented`: everything in its answers is known, and
    none of these words is. `empty`: the answer holds no record, and so nothing that would speak for it.
    """
    for name in ERROR_WORDS:
        value = answer.get(name)
        if name in own or value is None or value in ([], {}, ""):
            continue
        if documented and empty:
            return name
        if _says_error(name[0].lower() + name[1:], value) and (documented or empty):
            return name
    return ""


def _says_error(name: str, value: object) -> bool:
    """Tell whether a value is an error by itself, in the answers of any API."""
    if name in _VERDICTS:
        return value is False
    if name in _ERRORS or name in _OUTAGES:
        return bool(value) and str(value).lower() not in ("false", "none", "no", "0")
    if name in _STATUSES or name in _CODES:
        return _is_bad(value)
    # What a message says is for people; beside a list of records without a word else it is no error.
    return False


def _is_bad(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return value >= _FIRST_ERROR
    if not isinstance(value, str):
        return False
    word = value.strip().lower()
    if word.isdigit():
        return len(word) <= 3 and int(word) >= _FIRST_ERROR
    return word not in _FINE and any(bad in word for bad in _BAD)
