"""What one seed does: the job, the source, what goes wrong with it, how often its machine fails. All of it drawn."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from resumable.config import Policy
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import JobRefusal, PastEnd, RateWindow, SimSettings, Style
from tests.torture.chaosdisk import Trouble

START = datetime(2023, 10, 1, tzinfo=UTC)

PAGE_KIND = {
    "conversations": Kind.CONVERSATIONS,
    "conversations-pagecount": Kind.ARTICLE,
    "conversation-jobs": Kind.JOB_RESULTS,
    "users": Kind.USERS,
    "queues": Kind.QUEUES,
    "wrapupcodes": Kind.WRAPUP_CODES,
    "described": Kind.CONVERSATIONS,
    "described-list": Kind.WRAPUP_CODES,
}
WEIGHTS = (10, 10, 15, 5, 5, 14, 28, 13)
ORGANISATIONS = ((1, 1), (2, 2), (3, 5), (4, 6), (5, 9), (6, 12), (7, 13))
"""Seed, and how many queues, users and codes there are: few, so that what is made of them is made once."""
LISTS = ("users", "queues", "wrapupcodes", "described-list")

RETRY_AFTERS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("Retry-After", "0"),),
    (("Retry-After", "1"),),
    (("Retry-After", "7"),),
    (("Retry-After", "59"),),
    (("Retry-After", "179"),),
    (("Retry-After", "2.5"),),
    (("Retry-After", "-4"),),
    (("Retry-After", "soon"),),
    (("Retry-After", "5, 9"),),
    (("Retry-After", "Wed, 21 Oct 2015 07:28:40 GMT"), ("Date", "Wed, 21 Oct 2015 07:28:00 GMT")),
    (("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"), ("Date", "Wed, 21 Oct 2015 07:28:40 GMT")),
    (("Retry-After", "Wed, 21 Oct 2015 07:28:40 GMT"),),
)
LONG_RETRY_AFTERS = ((("Retry-After", "181"),), (("Retry-After", "3600"),), (("Retry-After", "1000000000"),))

LOUD = (
    FaultKind.HTML, FaultKind.EMPTY, FaultKind.BAD_UTF8, FaultKind.BOM, FaultKind.NAN, FaultKind.DUPLICATE_KEYS,
    FaultKind.WRONG_TYPES, FaultKind.NESTED, FaultKind.BODY, FaultKind.REDIRECT, FaultKind.RESET_BEFORE,
    FaultKind.LOST_ANSWER, FaultKind.RESET_AFTER_HEADERS, FaultKind.RESET_INSIDE, FaultKind.CUT, FaultKind.SLOW,
)  # fmt: skip
BODIES = (b"null", b"[]", b"{}", b'"text"', b"{", b'{"conversations":{}}', b'{"entities":[null]}', b"0", b"\x00")
LIES = (0, -5, "many", 10**9, "__absent__", None, 1.5, True)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What happens to one process."""

    trouble: Trouble
    signal: tuple[str, float | int] | None
    """SIGINT, SIGTERM or the limit of time: after so many seconds, or with the request of that number."""
    jumps: tuple[tuple[float, timedelta], ...]
    """The wall clock is set, after so many seconds."""
    sleeps: tuple[tuple[float, float], ...]
    """The machine sleeps, after so many seconds, for so many: its monotonic clock stands still."""
    rotates_secret_after: float | None
    revokes_after: float | None
    pause_after: float
    """Seconds until somebody runs it again."""


CALM = Run(
    trouble=Trouble(),
    signal=None,
    jumps=(),
    sleeps=(),
    rotates_secret_after=None,
    revokes_after=None,
    pause_after=1.0,
)
"""A run in which nothing goes wrong."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One seed's story."""

    seed: int
    dataset: str
    days: int
    page_size: int
    window: timedelta
    sim: SimSettings
    settings: dict[str, Any]
    faults: tuple[SimFault, ...]
    runs: tuple[Run, ...]
    arrives: bool
    """Data arrives while it is read, so that windows hold what the source had then."""


def plan(seed: int) -> Plan:
    """Draw a seed's story."""
    dice = random.Random(f"chaos {seed}")
    dataset = dice.choices(tuple(PAGE_KIND), WEIGHTS)[0]
    page_size = dice.randint(2, 6)
    arrives = dataset in ("conversations", "described", "conversation-jobs") and dice.random() < 0.15
    source = _source(dice, dataset, arrives=arrives)
    hard = dice.choice((0.0, 0.02, 0.08, 0.2, 0.45))
    days = dice.randint(1, 2) if dataset in LISTS else dice.randint(1, 4)
    return Plan(
        seed=seed,
        dataset=dataset,
        days=days,
        page_size=page_size,
        window=timedelta(hours=dice.choice((24, 24, 24, 12, 36))),
        sim=source,
        settings=_settings(dice, dataset),
        faults=tuple(_faults(dice, dataset, hard, page_size, source, days)),
        runs=tuple(_run(dice) for _ in range(dice.randint(1, 6))),
        arrives=arrives,
    )


def _source(dice: random.Random, dataset: str, *, arrives: bool) -> SimSettings:
    most = 9 if dataset in ("conversations", "conversations-pagecount", "conversation-jobs") else 14
    moves: dict[str, Any] = {}
    if arrives:
        moves = {
            "late_share": dice.choice((0.1, 0.4)),
            "late_after_seconds": dice.choice((30.0, 600.0, 7200.0)),
            "late_steps": dice.randint(1, 3),
        }
    organisation = dice.choice(ORGANISATIONS)
    return SimSettings(
        seed=organisation[0],
        records=dice.randint(1, most),
        records_on={f"2023-10-0{day}": dice.choice((0, 0, 1, most)) for day in (2, 3) if dice.random() < 0.4},
        style=Style.SMALL,
        explicit_nulls=organisation[0] % 2 == 0,
        queues=organisation[1],
        users=organisation[1],
        wrapup_codes=organisation[1],
        token_lifetime=dice.choice((20.0, 45.0, 120.0, 600.0, 86_400.0)),
        expires_in=dice.choice(("honest",) * 6 + ("absent", 0, -1, "soon", None, 10**9, 30)),
        invalid_client_status=dice.choice((400, 401)),
        rate_public=dice.choice((None, 300, 300, 60, 20)),
        rate_article=dice.choice((None, 200, 200, 30)),
        rate_kind=dice.choice((RateWindow.FIXED, RateWindow.SLIDING)),
        rate_headers=dice.random() < 0.8,
        rate_headers_article=dice.random() < 0.3,
        other_traffic=dice.choice((0.0, 0.0, 0.0, 0.1)),
        retry_after=dice.random() < 0.8,
        past_end=dice.choice((PastEnd.ABSENT, PastEnd.NULL, PastEnd.EMPTY)),
        list_page_size_cap=dice.choice((500, 500, 2)),
        job_polls=dice.randint(0, 3),
        job_seconds=dice.choice((0.0, 0.0, 40.0, 5000.0)),
        job_life=dice.choice((86_400.0, 86_400.0, 300.0, 30.0)),
        job_limit=dice.choice((50, 50, 2, 1)),
        job_refusal=dice.choice((JobRefusal.TOO_MANY, JobRefusal.BAD_REQUEST)),
        job_page_size_cap=1000,
        cursor_life=dice.choice((None, None, 60.0)),
        latency=dice.choice((0.0, 0.3, (0.05, 2.0), (0.5, 30.0))),
        **moves,
    )


def _settings(dice: random.Random, dataset: str) -> dict[str, Any]:
    return {
        "workers": dice.randint(1, 8),
        "workers_most": dice.choice((None, 12)),
        "rate_per_minute": dice.choice((None, None, None, 600.0, 40.0)),
        "rate_share": dice.choice((1.0, 1.0, 0.5)),
        "max_requests": dice.choice((None, None, None, 3, 25)),
        "deep_limit": dice.choice((None, None, None, 8)) if dataset in ("conversations", "described") else None,
        "min_free": 0,
        "policy": Policy(attempts=dice.choice((2, 3, 6)), budget_seconds=dice.choice((120.0, 900.0))),
    }


def _faults(
    dice: random.Random, dataset: str, hard: float, page_size: int, source: SimSettings, days: int
) -> list[SimFault]:
    if not hard:
        return []
    found = [_loud(dice, dataset, hard) for _ in range(dice.randint(1, 6))]
    found += [_token_fault(dice, hard) for _ in range(dice.choice((0, 0, 1, 2)))]
    if dataset == "conversation-jobs":
        found += [_job_fault(dice, hard) for _ in range(dice.randint(0, 3))]
    else:
        found += _lies(dice, dataset, hard, days)
    return found


def _kinds(dice: random.Random, dataset: str) -> tuple[Kind, ...]:
    if dataset != "conversation-jobs":
        return (PAGE_KIND[dataset],)
    every = (
        Kind.JOB_CREATE,
        Kind.JOB_STATUS,
        Kind.JOB_RESULTS,
        Kind.JOB_DELETE,
        Kind.JOB_AVAILABILITY,
    )
    return tuple(dice.sample(every, dice.randint(1, len(every))))


def _loud(dice: random.Random, dataset: str, hard: float) -> SimFault:
    """Something that the answer itself tells: never to be taken for a page."""
    on = Match(kinds=_kinds(dice, dataset), probability=hard, pages=dice.choice(((), (), (), (1,), (2,))))
    if dataset == "conversation-jobs":
        on = Match(kinds=on.kinds, probability=hard)
    times = dice.choice((None, None, 1, 5))
    if dice.random() < 0.5:
        status = dice.choice((429, 429, 429, 500, 502, 503, 504, 408, 401, 401, 404, 400, 403, 418))
        after = dice.choice(RETRY_AFTERS if dice.random() < 0.8 else LONG_RETRY_AFTERS)
        times = 1 if status in (400, 403, 404, 418) else times
        return SimFault(kind=FaultKind.STATUS, on=on, times=times, status=status, headers=after)
    if dice.random() < 0.15:
        return SimFault(kind=FaultKind.REVOKE, on=on, times=dice.choice((1, 3)))
    kind = dice.choice(LOUD)
    return SimFault(
        kind=kind,
        on=on,
        times=times,
        status=dice.choice((200, 502)) if kind is FaultKind.HTML else dice.choice((301, 302, 307, 308)),
        location="http://127.0.0.1:2/elsewhere",
        seconds=dice.choice((1.0, 20.0, 170.0, 400.0)),
        size=2000,
        body=dice.choice(BODIES),
    )


def _token_fault(dice: random.Random, hard: float) -> SimFault:
    on = Match(kinds=(Kind.TOKEN,), probability=hard)
    kind = dice.choice((FaultKind.STATUS, FaultKind.STATUS, *LOUD))
    return SimFault(
        kind=kind,
        on=on,
        times=dice.choice((None, 1, 4)),
        status=dice.choice((429, 500, 503, 503, 400, 401)) if kind is FaultKind.STATUS else 502,
        headers=dice.choice(RETRY_AFTERS) if kind is FaultKind.STATUS else (),
        location="http://127.0.0.1:2/elsewhere",
        seconds=dice.choice((1.0, 20.0)),
        size=2000,
        body=dice.choice(BODIES),
    )


def _job_fault(dice: random.Random, hard: float) -> SimFault:
    kind = dice.choice((FaultKind.JOB_FAILED, FaultKind.CURSOR_GONE, FaultKind.REPEATED_CURSOR, FaultKind.LOST_ANSWER))
    kinds = {
        FaultKind.JOB_FAILED: (Kind.JOB_STATUS,),
        FaultKind.CURSOR_GONE: (Kind.JOB_RESULTS,),
        FaultKind.REPEATED_CURSOR: (Kind.JOB_RESULTS,),
        FaultKind.LOST_ANSWER: (Kind.JOB_CREATE,),
    }
    return SimFault(
        kind=kind,
        on=Match(kinds=kinds[kind], probability=hard),
        times=dice.choice((1, 3, None)),
        value=dice.choice(("FAILED", "CANCELLED", "EXPIRED")),
    )


def _lies(dice: random.Random, dataset: str, hard: float, days: int) -> list[SimFault]:
    """What single answers get wrong about records and totals: the other answers of the window tell.

    Each strikes one page of one window once, so that no two takes can be wrong in the same way. Not what nothing could
    tell: a first page whose total fits what little it has, or a last page by page counts alone that lacks its end.
    """
    kind_of_page = PAGE_KIND[dataset]
    places = [(f"2023-10-{day + 1:02d}T", page) for day in range(days) for page in (1, 2, 3)]
    found = []
    for window, page in dice.sample(places, dice.randint(0, min(4, len(places)))):
        on = Match(kinds=(kind_of_page,), pages=(page,), window=None if dataset in LISTS else window)
        found.append(_lie(dice, on, page, totals=dataset != "conversations-pagecount"))
    if dataset in LISTS:
        found = found[:1]
    if dice.random() < 0.3:
        on = Match(kinds=(kind_of_page,), pages=(2, 3, 4, 5), probability=hard)
        found.append(SimFault(kind=FaultKind.TOTAL_FLAP, on=on, times=dice.choice((1, None)), by=3))
    return found


def _lie(dice: random.Random, on: Match, page: int, *, totals: bool) -> SimFault:
    makers: list[Callable[[], SimFault]] = [
        lambda: SimFault(kind=FaultKind.RECORDS_EMPTY, on=on),
        lambda: SimFault(kind=FaultKind.RECORDS_MISSING, on=on),
        lambda: SimFault(kind=FaultKind.RECORDS_NULL, on=on),
        lambda: SimFault(kind=FaultKind.TOTAL_BY, on=on, by=dice.randint(1, 9)),
        lambda: SimFault(kind=FaultKind.WRONG_PAGE, on=on, by=1) if page > 1 else SimFault(kind=FaultKind.NAN, on=on),
    ]
    if page > 1:
        makers += [
            lambda: SimFault(kind=FaultKind.TOTAL, on=on, value=dice.choice(LIES)),
            lambda: SimFault(kind=FaultKind.TOTAL_BY, on=on, by=-dice.randint(1, 9)),
            lambda: SimFault(kind=FaultKind.OTHER_PAGE, on=on, by=-1),
            lambda: SimFault(kind=FaultKind.REPEAT, on=on, by=1),
            lambda: SimFault(kind=FaultKind.DUPLICATE, on=on, by=1),
        ]
    if totals:
        makers += [
            lambda: SimFault(kind=FaultKind.DROP, on=on, by=1),
            lambda: SimFault(kind=FaultKind.SHIFT, on=on, by=1),
            lambda: SimFault(kind=FaultKind.OTHER_PAGE, on=on, by=1),
        ]
    return dice.choice(makers)()


def _run(dice: random.Random) -> Run:
    return Run(
        trouble=_trouble(dice),
        signal=(dice.choice(("SIGINT", "SIGTERM", "limit")), dice.choice((dice.uniform(0, 120), dice.randint(1, 30))))
        if dice.random() < 0.25
        else None,
        jumps=tuple(
            (dice.uniform(0, 90), timedelta(hours=dice.choice((-30, -3, 3, 50))))
            for _ in range(dice.choice((0, 0, 0, 1, 2)))
        ),
        sleeps=((dice.uniform(0, 60), dice.uniform(10, 40_000)),) if dice.random() < 0.15 else (),
        rotates_secret_after=dice.uniform(0, 60) if dice.random() < 0.05 else None,
        revokes_after=dice.uniform(0, 60) if dice.random() < 0.1 else None,
        pause_after=dice.choice((1.0, 30.0, 400.0, 30_000.0)),
    )


def _trouble(dice: random.Random) -> Trouble:
    if dice.random() < 0.45:
        return Trouble(kill_at=dice.choice((dice.randint(1, 25), dice.randint(1, 250))), power=dice.random() < 0.5)
    if dice.random() < 0.3:
        calls = dice.choice((1, 1, 2, 10_000))
        return Trouble(refuse_at=dice.choice((dice.randint(1, 25), dice.randint(1, 250))), refuse_calls=calls)
    return Trouble()
