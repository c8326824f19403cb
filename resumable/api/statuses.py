"""What each HTTP status means, once: whether to ask again, and what a refusal refuses.

Everything that a status decides is in this table. A status that has no row means what its hundred means. Which of the
successful ones is an answer depends on the request, and is said where it is made, by one of the sets below.
"""

import enum
import re
from dataclasses import dataclass, replace
from typing import Final

from resumable.errors import Failure, Wall

PAGE: Final = frozenset({200})
"""Answers to whatever is read. 202, 203 and 206 are not it: not ready, a proxy's version, a piece of it."""
PAGE_OR_NOTHING: Final = PAGE | {404}
"""Answers to what is asked of an id: that it is not there may be one."""
SUBMITTED: Final = frozenset({200, 202})
"""Answers to a job that was submitted: the documents say 202."""
DELETED: Final = frozenset({200, 202, 204})
"""Answers to what was to be deleted."""


class Action(enum.Enum):
    """What a failed exchange calls for."""

    AGAIN = "again"
    """Wait, then send it again; uses up an attempt."""
    HOLD = "hold"
    """Everybody waits as the server asked, then send it again; uses up no attempt, only time."""
    REFRESH = "refresh"
    """Get a new token, then send it again; uses up no attempt."""
    FORBIDDEN = "forbidden"
    """The credentials may not do this: end the run."""
    GIVE_UP = "give up"
    """Sending it again would get the same answer."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a status means, whatever was asked, and what it means beside that to those who asked for special things."""

    action: Action
    failure: Failure
    why: str
    troubled: bool = False
    """The server has too much to do: fewer requests at once."""
    gone: bool = False
    """Of a job on the server or of a cursor: it is no more, and only a new one helps."""
    late: bool = False
    """Of a job that was just made, or just fulfilled: it may be there in a moment."""
    no_more_jobs: bool = False
    """Of a job that was submitted: there may be as many as the server lets be."""
    refuses_client: bool = False
    """Of a token that was asked for: client id and secret are refused, and asking again does not help."""


_REFUSED: Final = Meaning(
    action=Action.GIVE_UP,
    failure=Failure.QUERY_REFUSED,
    why="the request itself is wrong, so that no other page would fare better",
    refuses_client=True,
)
_IN_TROUBLE: Final = Meaning(action=Action.AGAIN, failure=Failure.OVERLOADED, why="clears up by itself", troubled=True)
_PROXY: Final = replace(_IN_TROUBLE, why="a proxy's word for a server that it cannot reach in time: clears up as a 502")

MEANINGS: Final = {
    400: replace(
        _REFUSED,
        why="the request is wrong; a cursor that was used or has expired; one job more than may be at once",
        gone=True,
        no_more_jobs=True,
    ),
    401: Meaning(
        action=Action.REFRESH,
        failure=Failure.TOKEN_REFUSED,
        why="the token has ended, sooner than said",
        refuses_client=True,
    ),
    403: Meaning(
        action=Action.FORBIDDEN, failure=Failure.FORBIDDEN, why="a permission is missing", refuses_client=True
    ),
    404: replace(
        _REFUSED, why="nothing is there: a wrong path, or a job that is not there yet or no more", gone=True, late=True
    ),
    405: _REFUSED,
    408: Meaning(action=Action.AGAIN, failure=Failure.OVERLOADED, why="the request came too slowly for the server"),
    409: Meaning(
        action=Action.GIVE_UP,
        failure=Failure.OTHER_STATUS,
        why="not beside what is there: one job more than may be at once",
        no_more_jobs=True,
        refuses_client=True,
    ),
    410: Meaning(
        action=Action.GIVE_UP,
        failure=Failure.OTHER_STATUS,
        why="a job or a cursor that was there and is no more",
        gone=True,
        refuses_client=True,
    ),
    413: _REFUSED,
    415: _REFUSED,
    422: _REFUSED,
    429: Meaning(
        action=Action.HOLD,
        failure=Failure.RATE_LIMITED,
        why="asked too often, or one job more than may be at once",
        troubled=True,
        no_more_jobs=True,
    ),
    500: _IN_TROUBLE,
    502: _IN_TROUBLE,
    503: _IN_TROUBLE,
    504: replace(_IN_TROUBLE, failure=Failure.TIMED_OUT, why="common on heavy queries; mostly clears up by itself"),
    520: _PROXY,
    521: _PROXY,
    522: _PROXY,
    523: _PROXY,
    524: _PROXY,
}
"""What the statuses mean that mean something of their own."""

HUNDREDS: Final = {
    2: Meaning(
        action=Action.AGAIN, failure=Failure.NOT_AS_AGREED, why="a success, and not the answer that was asked for"
    ),
    3: Meaning(action=Action.GIVE_UP, failure=Failure.OTHER_STATUS, why="it leads elsewhere, where no token is taken"),
    4: Meaning(
        action=Action.GIVE_UP,
        failure=Failure.OTHER_STATUS,
        why="the server minds something that asking again would not fix",
        refuses_client=True,
    ),
    5: Meaning(
        action=Action.GIVE_UP,
        failure=Failure.OTHER_STATUS,
        why="the server cannot, now or later",
        troubled=True,
    ),
}
"""What all others mean."""

_DEPTH = re.compile(r"pagination may not exceed ([0-9]{1,18}) results", re.IGNORECASE)
_DAYS = re.compile(r"interval\b[^.]{0,80}\bexceed ([0-9]{1,5}) days", re.IGNORECASE)
_SIZE = re.compile(r"size\b[^.]{0,40}\b(?:exceed|between 1 and|most) ([0-9]{1,9})\b", re.IGNORECASE)
_JOBS = re.compile(
    r"jobs\.concurrent|too many.{0,40}\bjobs?\b|concurrent.{0,40}\bjobs?\b|\bjobs?\b.{0,60}(concurrent|at once)",
    re.IGNORECASE,
)
_SLOTS = re.compile(r"concurrent|simultaneous|at once|asynchronous", re.IGNORECASE)
_RATE = re.compile(r"too many requests|rate.{0,3}limit|\brequests? (per|a) |rate\.per\.", re.IGNORECASE)
"""Words of a limit of requests, which are no matter of jobs even where they name the path of one."""
_NUMBERED = ((Wall.DEPTH, _DEPTH), (Wall.INTERVAL, _DAYS), (Wall.PAGE_SIZE, _SIZE))
_NAMED = (
    (Wall.JOBS, _JOBS),
    (Wall.PAGE_SIZE, re.compile("size", re.IGNORECASE)),
    (Wall.INTERVAL, re.compile("interval", re.IGNORECASE)),
)


def succeeded(status: int) -> bool:
    """Tell whether a status is any success: what is told of a run wants no particular one."""
    return status // 100 == 2


def meaning(status: int) -> Meaning:
    """Return what a status means where it is not the answer that was asked for."""
    return MEANINGS.get(status) or HUNDREDS.get(status // 100) or HUNDREDS[5]


def failure_of(status: int, *, in_its_own_words: bool) -> Failure:
    """Return what kind of failure a status is; a 404 without the API's own words is some other server's."""
    return Failure.NOT_THE_API if status == 404 and not in_its_own_words else meaning(status).failure


def wall_in(words: str) -> tuple[Wall | None, int | None]:
    """Read, once, which of its walls a server's words for a refusal name, and where that stands, if they say it."""
    for wall, pattern in _NUMBERED:
        # A limit of nothing is no limit that anything could be fitted to.
        if (found := pattern.search(words)) and int(found[1]) > 0:
            return wall, int(found[1])
    named = next((wall for wall, pattern in _NAMED if pattern.search(words)), None)
    of_rate = named is Wall.JOBS and _RATE.search(words) and not _SLOTS.search(words)
    return None if of_rate else named, None
