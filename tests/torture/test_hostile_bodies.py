"""Answers of status 200 that are none, and answers that take for ever or would take all memory, in real runs.

What must hold: the window and the page are named with a reason, no secret shows, the other pages go on, exit 3, and
nothing of it is ever recorded; once the server is sane again, the job ends equal to the truth.
"""

import contextlib
import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

import resumable
from resumable import Incomplete, JobState
from resumable.clock import SystemClock
from resumable.config import Policy
from resumable.errors import ExitCode
from resumable.redaction import Redactor
from resumable.simulator.messages import SimAnswer, SimRequest
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.transport.exchange import Limits
from resumable.transport.http import HttpTransport
from tests.support.builders import START
from tests.support.inprocess import spec_for
from tests.support.scripted_server import Server
from tests.support.truth import records_of, truth_of
from tests.torture.bodies import BODIES, SECRET, WITHOUT_RECORDS
from tests.torture.quickly import PEAK
from tests.torture.relay import Impostor, day_of, number_of, relayed, said

pytestmark = pytest.mark.torture

RECORDS = {"conversations": "conversations", "conversations-pagecount": "entities"}
QUICK = Policy(attempts=2, first_wait_seconds=0.001, longest_wait_seconds=0.002)
FOR_EVER = 60.0
"""Seconds: longer than any test lets a server go on."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("number", "dataset"), [(1, "conversations"), (2, "conversations"), (2, "conversations-pagecount")]
)
def test_a_hostile_answer_is_a_named_page_in_quarantine_and_the_others_go_on(
    dataset: str, number: int, tally: Callable[[str, int], None], tmp_path: Path
) -> None:
    """Each kind of body on a day of its own: problems name day, page and reason, no secret; healed, all is there."""
    # Between any two a good day: so many failures in a row would rightly end the run.
    days = {f"{START + timedelta(days=2 * n):%Y-%m-%d}": kind for n, kind in enumerate(BODIES)}
    end = f"{START + timedelta(days=2 * len(days)):%Y-%m-%d}"
    healed = threading.Event()

    def instead(asked: SimRequest, answer: SimAnswer) -> Iterable[bytes] | None:
        if healed.is_set() or number_of(asked) != number or day_of(asked) not in days:
            return None
        return said(BODIES[days[day_of(asked)]][0](answer.render()))

    settings = SimSettings(records=25, style=Style.SMALL, rate_public=None, rate_article=None, client_secret=SECRET)
    with Simulator(settings) as sim, relayed(Impostor(sim=sim, instead=instead), tmp_path, policy=QUICK) as given:
        job = resumable.make(spec_for(dataset, f"{START:%Y-%m-%d}", end), given)
        with pytest.raises(Incomplete) as caught:
            job.run()
        assert caught.value.exit_code == ExitCode.INCOMPLETE
        status = job.status(events=10_000)
        problems = {problem[:10]: problem for problem in status.problems}
        for day, kind in days.items():
            at_the_end = (dataset, number) == ("conversations", 2) and kind in WITHOUT_RECORDS
            start = f"{day}: fewer records came" if at_the_end else f"{day} page {number}: "
            assert problems.get(day, "").startswith(start), f"{kind} on {day} passed in silence"
            assert at_the_end or BODIES[kind][1] in problems[day], f"{kind}: {problems[day]}"
        assert len(problems) == len(status.problems) == len(days)
        assert status.state is JobState.INCOMPLETE
        assert status.totals.windows_done == len(days)
        assert SECRET not in repr(status) + str(caught.value)
        healed.set()
        assert job.run().state is JobState.COMPLETE
        assert records_of(job) == truth_of(job, sim)
    tally("kinds of hostile answers, on the first page and on others", len(days))


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended, and what it took of memory at its worst."""

    code: int
    stderr: str
    peak_mib: int


def measured(arguments: Iterable[str], environment: dict[str, str], folder: Path, *, seconds: float) -> Ended:
    """Run the command line as a process of its own to its end."""
    with open(folder / "stderr", "w+b") as stderr, open(folder / "stdout", "wb") as stdout:
        command = [sys.executable, "-m", "tests.torture.quickly", *arguments]
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        alarm = threading.Timer(seconds, process.kill)
        alarm.start()
        code = process.wait()
        alarm.cancel()
        stderr.seek(0)
        said = stderr.read().decode("utf-8", "replace")
        return Ended(code=code, stderr=said, peak_mib=int(said.rpartition(PEAK)[2] or 10**9) >> 10)


def _streamed(head: str, piece: bytes, pieces: int) -> Iterator[bytes]:
    yield f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode()
    for _ in range(pieces):
        yield piece


def _page(inside: Callable[[], bytes]) -> Callable[[], list[bytes]]:
    # Made when they are asked for: as constants they cost each process that collects tests 2 s and 270 MB.
    return lambda: said(b'{"totalHits":500,"conversations":[' + inside() + b"]}")


BLANKS = b" " * 2**20


def _bomb() -> bytes:
    return gzip.compress(b'{"conversations":[' + b" " * 10**9, 1)


GREEDY: dict[str, tuple[Callable[[], Iterable[bytes]], str]] = {
    "1 GB with its length": (lambda: _streamed("Content-Length: 1000000000", BLANKS, 953), "too big"),
    "endless, in chunks": (
        lambda: _streamed("Transfer-Encoding: chunked", b"100000\r\n" + BLANKS + b"\r\n", 10_000),
        "too big",
    ),
    "endless, until closed": (lambda: _streamed("X: y", BLANKS, 10_000), "too big"),
    "a gzip bomb of 1 GB": (lambda: said(_bomb(), [("Content-Encoding", "gzip")]), "too big"),
    "a million nested lists": (_page(lambda: b"[" * 10**6 + b"]" * 10**6), "more values than any page has"),
    "three million records": (_page(lambda: b"{}," * 3_000_000 + b"{}"), "more values than any page has"),
    "one text": (_page(lambda: b'{"conversationId":"' + b"a" * 30_000_000), "unterminated string"),
    "120 MB of empty lists": (_page(lambda: b'{"x":[' + b"[]," * 40_000_000 + b"0]}"), "more values than any page has"),
}

LONG_TEXT = _page(lambda: b'{"conversationId":"' + b"a" * 120_000_000)
"""What takes the most memory of all that was found, and much time: with more than the default of `--inputs` only."""

MOST_MIB = 3500
"""What a run with eight workers may take at its worst: each may hold one body of the cap, and what is read of it."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", GREEDY)
def test_an_answer_that_would_take_all_memory_is_refused_within_a_bound(
    kind: str, trials: Callable[[str], int], tally: Callable[[str, int], None], tmp_path: Path
) -> None:
    """All eight workers are served it at once: memory stays under the bound, exit 3, the page and the reason named."""
    make, reason = GREEDY[kind]
    if kind == "one text" and trials("inputs") > 2000:
        make = LONG_TEXT
    pieces = make()
    kept = pieces if isinstance(pieces, list) else None

    def instead(asked: SimRequest, answer: SimAnswer) -> Iterable[bytes] | None:
        return None if number_of(asked) in (None, 1) else kept or make()

    settings = SimSettings(records=180, style=Style.SMALL, rate_public=None, client_secret=SECRET)
    with Simulator(settings) as sim:
        server = Server(Impostor(sim=sim, instead=instead))
        environment = {
            "PATH": os.environ["PATH"],
            "GENESYS_CLIENT_ID": sim.settings.client_id,
            "GENESYS_CLIENT_SECRET": SECRET,
            "GENESYS_API_URL": server.url,
        }
        day = ("--from", "2023-10-01", "--to", "2023-10-02", "--page-size", "20", "--rate", "6000", "--job", "greedy")
        with contextlib.closing(server):
            ended = measured(
                ("backfill", "conversations", *day, "--state", str(tmp_path / "state")),
                environment,
                tmp_path,
                seconds=200,
            )
    print(f"{kind}: {ended.peak_mib} MiB\n{ended.stderr}")
    assert ended.code == ExitCode.INCOMPLETE
    assert ended.peak_mib < MOST_MIB
    assert reason in ended.stderr
    assert "2023-10-01 page" in ended.stderr
    tally("runs in which eight greedy answers came at once", 1)


SLOW_LIMITS = Limits(connect_seconds=0.5, read_seconds=0.3, total_seconds=0.9)


def _slow(server: "list[Server]") -> dict[str, tuple[Callable[[bytes], Iterator[bytes]], str]]:
    """Return ways to be slow with a good answer, and what the reason must hold."""

    def pause(seconds: float) -> None:
        server[0].closing.wait(seconds)

    def drip(data: bytes, *, after: int = 0, size: int = 1) -> Iterator[bytes]:
        yield data[:after]
        for at in range(after, len(data), size):
            yield data[at : at + size]
            pause(0.05)

    def stall(data: bytes, *, after: int) -> Iterator[bytes]:
        yield data[:after]
        pause(FOR_EVER)

    def head(data: bytes) -> int:
        return data.index(b"\r\n\r\n") + 4

    return {
        "silence before the answer": (lambda data: stall(data, after=0), "before the answer"),
        "silence in the status line": (lambda data: stall(data, after=5), "before the answer"),
        "silence in the headers": (lambda data: stall(data, after=40), "before the answer"),
        "silence after the headers": (lambda data: stall(data, after=head(data)), "in the body"),
        "silence in the body": (lambda data: stall(data, after=len(data) // 2), "in the body"),
        "silence before the last byte": (lambda data: stall(data, after=len(data) - 1), "in the body"),
        "a drip from the start": (lambda data: drip(data), "no whole answer within"),
        "a drip of headers": (lambda data: drip(data, after=20), "no whole answer within"),
        "a drip of the body": (lambda data: drip(data, after=head(data), size=3), "no whole answer within"),
        "a drip at the end": (lambda data: drip(data, after=len(data) - 200), "no whole answer within"),
    }


@pytest.mark.timeout(120)
def test_a_slow_answer_ends_at_its_deadline_and_is_a_named_page(
    tally: Callable[[str, int], None], tmp_path: Path
) -> None:
    """Silence at each stage and drips: each is given up on in time and named, and the other pages go on."""
    server: list[Server] = []
    ways = _slow(server)
    days = {f"2023-10-{day:02d}": way for day, way in enumerate(ways, 1)}

    def instead(asked: SimRequest, answer: SimAnswer) -> Iterable[bytes] | None:
        if number_of(asked) != 2 or day_of(asked) not in days:
            return None
        return ways[days[day_of(asked)]][0](b"".join(said(answer.render())))

    clock = SystemClock()

    def carry(origin: str) -> HttpTransport:
        return HttpTransport(origin, limits=SLOW_LIMITS, clock=clock, redactor=Redactor())

    with Simulator(SimSettings(records=45, style=Style.SMALL, rate_public=None)) as sim:
        impostor = Impostor(sim=sim, instead=instead)
        # By one: eight that hear nothing would hold it for an outage.
        with relayed(impostor, tmp_path, policy=QUICK, server=server, workers=1) as given:
            job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-13"), replace(given, transport=carry))
            begun = clock.monotonic()
            with pytest.raises(Incomplete):
                job.run()
            took = clock.monotonic() - begun
            status = job.status()
    print(*status.problems, sep="\n")
    problems = {problem[:10]: problem for problem in status.problems}
    for day, way in days.items():
        assert problems.get(day, "").startswith(f"{day} page 2: "), way
        assert ways[way][1] in problems[day], way
    assert status.totals.windows_done == 12 - len(days)
    # Two attempts each.
    assert took < 2 * len(ways) * SLOW_LIMITS.total_seconds + 5
    tally("ways of a slow answer", len(ways))
