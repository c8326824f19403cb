"""The fault matrix: every request of every contract, every wrong answer to it, at every place; and what came of each.

A cell is one job of one person: a backfill at a server that answers once (or until that command has ended) in one wrong
way, then, if it has not ended with everything, `resume` at a server that is well, twice at most.

    python -m tests.apart.matrix                    # all cells, a line for each that fails
    python -m tests.apart.matrix conversations body # of one contract, one family
    python -m tests.apart.matrix 10                 # a tenth of them
"""

import copy
import enum
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.apart.answers import Family, Wrong, wrong_answers
from tests.apart.cloud import Cloud
from tests.apart.contracts import ALL, Contract
from tests.apart.desk import DOCUMENTED, Desk, Outcome, Time
from tests.apart.exchange import Kind
from tests.apart.judge import wrong_with
from tests.apart.manners import Manners
from tests.apart.script import FIRST, LAST, MIDDLE
from tests.apart.truth import World
from tests.apart.wire import Wire

WINDOW = "2023-10-02"
"""The wrong answers are about the second of three windows."""

REQUESTS_MOST = 600
"""The healthy run of the largest contract takes 27 requests."""

REQUESTS_OF_WAITING = 3_000
"""A job that is never done is looked at for four hours before it is given up on."""

LONGEST = timedelta(hours=12)
"""What a command may take on the clock; a source that is silent for long is given up on sooner."""

RESUMES_MOST = 2
FIRST_ENDINGS = frozenset({0, 3, 4, 9})
"""How a run may end because of what a server said; usage, storage and manifest are not a server's business."""

_TWICE = (Kind.CONVERSATION_SUBMIT, Kind.CONVERSATION_POLL, Kind.USER_SUBMIT, Kind.USER_POLL)


class Verdict(enum.Enum):
    """What came of a cell."""

    RIGHT = "right"
    UNREACHED = "unreached"
    """The run never made such a request, so that nothing was wrong."""
    FALSE = "false"
    """A command ended with exit 0, and parts or export are not what the server has."""
    STUCK = "stuck"
    """A healthy server, and two runs, and it is not complete."""
    CODE = "code"
    """An exit code that no answer of a server may lead to."""
    ENDLESS = "endless"
    """More requests, or more hours, than any sane run takes."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One job with one wrong answer."""

    contract: Contract
    kind: Kind
    wrong: Wrong
    page: str | None = None
    nth: int | None = None
    times: int | None = 1
    heals: bool = True
    """Whether the server is well after the first command."""

    @property
    def group(self) -> str:
        """The request and the family of wrong answers that it belongs to."""
        return f"{self.contract.name}: {self.kind.value}: {self.wrong.family.value}"

    @property
    def name(self) -> str:
        """What it is called in lists."""
        place = self.page or f"no. {self.nth}"
        often = "always" if self.times is None else "once"
        return (
            f"{self.contract.name}: {self.kind.value}, {place}, {often}: {self.wrong.family.value}: {self.wrong.name}"
        )


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What came of one cell, in a word and in full."""

    cell: Cell
    verdict: Verdict
    codes: tuple[int, ...]
    requests: int
    why: str = ""

    @property
    def line(self) -> str:
        """One line of a list."""
        return f"{self.verdict.value}  {self.cell.name}  {list(self.codes)} {self.why}".rstrip()


def cells(contracts: Sequence[Contract] = ALL, families: Iterable[Family] = Family) -> Iterator[Cell]:
    """Yield the whole matrix, or some contracts and families of it."""
    wanted = set(families)
    for contract in contracts:
        for kind in (contract.page, *contract.setup):
            for wrong in wrong_answers(contract, kind):
                if wrong.family not in wanted:
                    continue
                places = _places(contract, kind)
                for page, nth in places[:-1] if wrong.before_last else places:
                    for times in (1,) if wrong.once_only else (1, None):
                        yield Cell(contract=contract, kind=kind, wrong=wrong, page=page, nth=nth, times=times)


def _places(contract: Contract, kind: Kind) -> Sequence[tuple[str | None, int | None]]:
    if kind is contract.page:
        return ((FIRST, None), (MIDDLE, None), (LAST, None))
    return ((None, 1), (None, 2)) if kind in _TWICE else ((None, 1),)


def world_of(contract: Contract) -> World:
    """Return the data of a cell: three pages a window, and of users' details a document a user."""
    return World(documents=1, users_a_day=25) if contract.of_users else World()


class Bench:
    """Tries cells, one after another, on one pair of sockets. Use it as a context manager."""

    def __init__(self) -> None:
        """Nothing is served yet."""
        self._time = Time()
        self._wire = Wire(Cloud(now=self._time.now))

    def __enter__(self) -> "Bench":
        """Open the sockets."""
        self._wire.__enter__()
        return self

    def __exit__(self, *_raised: object) -> None:
        """Close them."""
        self._wire.__exit__(None, None, None)

    def tried(self, cell: Cell) -> Finding:
        """Try a cell in a folder of its own."""
        memory = Path("/dev/shm")
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="apart-") as folder:
            self._time = Time()
            waits = cell.wrong.family is Family.STATE
            manners = Manners(
                requests_most=REQUESTS_OF_WAITING if waits else REQUESTS_MOST,
                available_until=cell.contract.available_until,
            )
            cloud = self._wire.cloud = Cloud(world_of(cell.contract), manners=manners, now=self._now)
            extra = {"TICKETS_TOKEN": "canary-token-tickets"}
            desk = Desk(wire=self._wire, state=Path(folder) / "state", time=self._time, extra=extra)
            day = WINDOW if cell.page and not cell.contract.timeless else None
            # A change may remember what it has seen, so each cell has its own.
            own = copy.copy(cell.wrong.change)
            rule = cloud.script.add(own, times=cell.times, kind=cell.kind, day=day, page=cell.page, nth=cell.nth)
            finding = self._lived(cell, desk)
            if finding.verdict is Verdict.RIGHT and not rule.fired:
                return Finding(cell=cell, verdict=Verdict.UNREACHED, codes=finding.codes, requests=finding.requests)
            return finding

    def _now(self) -> datetime:
        return self._time.now()

    def _lived(self, cell: Cell, desk: Desk) -> Finding:
        cloud = desk.wire.cloud
        codes: list[int] = []

        def found(verdict: Verdict, why: str = "") -> Finding:
            return Finding(cell=cell, verdict=verdict, codes=tuple(codes), requests=len(cloud.log), why=why)

        outcome = desk(*cell.contract.arguments())
        codes.append(outcome.code)
        if cloud.overrun() or outcome.seconds > LONGEST.total_seconds():
            return found(Verdict.ENDLESS, f"{len(cloud.log)} requests in {outcome.seconds:.0f} s")
        if cell.heals:
            cloud.script.heal()
        first = outcome
        while outcome.code != 0 and len(codes) <= RESUMES_MOST:
            outcome = desk("resume", "j", later=timedelta(hours=1))
            codes.append(outcome.code)
        if cloud.overrun():
            return found(Verdict.ENDLESS, f"{len(cloud.log)} requests")
        if outcome.code != 0:
            return found(Verdict.STUCK, _said(outcome))
        wrong = wrong_with(desk, cell.contract)
        if wrong:
            return found(Verdict.FALSE, wrong)
        # A 4xx may well be about the query, which is the user's: exit 2, as long as it resumes.
        allowed = FIRST_ENDINGS | {2} if cell.wrong.family is Family.STATUS else FIRST_ENDINGS
        if not set(codes) <= DOCUMENTED or first.code not in allowed:
            return found(Verdict.CODE, _said(first))
        return found(Verdict.RIGHT)


def _said(outcome: Outcome) -> str:
    lines = [line for line in outcome.stderr.splitlines() if "error" in line or "incomplete" in line]
    return (lines or outcome.stderr.splitlines() or [""])[-1].strip()[:160]


def main(words: Sequence[str]) -> int:
    """Try all cells, or those of the contracts and families that are named, and print what fails."""
    contracts = [contract for contract in ALL if contract.name in words] or list(ALL)
    families = [family for family in Family if family.value in words] or list(Family)
    share = next((int(word) for word in words if word.isdigit()), 1)
    counts: Counter[tuple[str, str]] = Counter()
    with Bench() as bench:
        for cell in (cell for cell in cells(contracts, families) if zlib.crc32(cell.name.encode()) % share == 0):
            finding = bench.tried(cell)
            counts[cell.contract.name, finding.verdict.value] += 1
            if finding.verdict not in (Verdict.RIGHT, Verdict.UNREACHED):
                print(finding.line, flush=True)
    for (contract, verdict), count in sorted(counts.items()):
        print(f"{count:>6}  {contract}  {verdict}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
