"""The wire breaks in every way that wires break, and is whole in every framing."""

import contextlib
import gzip
import http.client
import time
import zlib

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from resumable.simulator.settings import Framing
from tests.simulator.caller import DAY, JOBS, Start

# what a naive client falls over when an answer is not what it should be
UPSET = (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AssertionError)
PAGES = Match(kinds=(Kind.CONVERSATIONS,))


def fault(kind: FaultKind, **more: Json) -> SimFault:
    return SimFault(kind=kind, **{"on": PAGES, "times": None, **more})


@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE, FaultKind.LOST_ANSWER])
def test_a_connection_can_be_reset_before_the_answer(start: Start, kind: FaultKind) -> None:
    """A reset before the answer leaves the client with nothing."""
    caller = start(fault(kind))
    with pytest.raises(ConnectionResetError):
        caller.raw_page()
    entry = caller.simulator.log.entries(Kind.CONVERSATIONS)[-1]
    assert entry.faults == (kind.value,)
    assert entry.status == (0 if kind is FaultKind.RESET_BEFORE else 200)


def test_a_connection_can_be_reset_after_the_headers_and_inside_the_body(start: Start) -> None:
    """The client has the headers, or a part of the body, and then a reset rather than an end."""
    caller = start(fault(FaultKind.RESET_AFTER_HEADERS, times=1), fault(FaultKind.RESET_INSIDE, at=100))
    for sent in (0, 100):
        head, body = caller.raw_page(most=1).split(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert len(body) == sent
        with pytest.raises(ConnectionResetError):
            caller.raw_page()


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("at", [0, 1, 777, -1])
def test_a_body_can_be_cut_in_every_framing(start: Start, framing: str, at: int) -> None:
    """The body ends early, in good order, at the byte that was told."""
    caller = start()
    whole = caller.page().body
    caller.simulator.inject(fault(FaultKind.CUT, framing=framing, at=at))
    head, _, body = caller.raw_page().partition(b"\r\n\r\n")
    expected = whole[:at]
    if framing == "chunked":
        assert b"Transfer-Encoding: chunked" in head
        assert not body.endswith(b"0\r\n\r\n")
        body = b"".join(part.partition(b"\r\n")[2] for part in [body[:-2]]) if body else b""
        assert at == -1 or body == expected
    else:
        assert (b"Content-Length: " + str(len(whole)).encode() in head) is (framing == "length")
        assert body == expected
    assert caller.simulator.log.entries(Kind.CONVERSATIONS)[-1].delivered is False


def test_a_torn_gzip_can_have_a_matching_length(start: Start) -> None:
    """Only the gzip stream itself tells that such a body is torn."""
    caller = start(fault(FaultKind.CUT, framing="gzip", at=-20))
    reply = caller.page()
    assert reply.headers["Content-Encoding"] == "gzip"
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    with pytest.raises((EOFError, zlib.error)):
        gzip.decompress(reply.body)


@pytest.mark.parametrize("framing", list(Framing))
def test_whole_bodies_come_in_every_framing(start: Start, framing: Framing) -> None:
    """Content-Length, chunks and the end of the connection all carry the same body, plain or as gzip."""
    caller = start(framing=framing, gzip=True)
    plain = caller.page()
    assert plain.json["totalHits"] == 30
    packed = caller.post(
        "/api/v2/analytics/conversations/details/query",
        {"interval": DAY, "paging": {"pageSize": 100, "pageNumber": 1}},
        Accept_Encoding="gzip, deflate",
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize("part", ["headers", "body"])
def test_answers_can_drip(start: Start, part: str) -> None:
    """An answer that drips arrives whole in the end."""
    caller = start(fault(FaultKind.DRIP, part=part, size=40, seconds=0.0005), records=2)
    assert caller.page().json["totalHits"] == 2


def test_a_stall_ends(start: Start) -> None:
    """A stall before the answer or inside the body goes on for as long as told."""
    caller = start(fault(FaultKind.STALL, seconds=0.05, times=1), fault(FaultKind.STALL, seconds=0.05, at=10))
    for _ in range(2):
        begun = time.monotonic()
        assert caller.page().json["totalHits"] == 30
        assert time.monotonic() - begun >= 0.05


def test_a_stall_ends_when_the_client_leaves(start: Start) -> None:
    """A client that leaves in the middle of an hour's stall does not hold a thread for an hour."""
    caller = start(fault(FaultKind.STALL, seconds=3600.0, at=10))
    caller.raw_page(most=1)
    log = caller.simulator.log
    deadline = time.monotonic() + 5
    while log.entries(Kind.CONVERSATIONS)[-1].done_at is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert log.entries(Kind.CONVERSATIONS)[-1].delivered is False


def test_an_endless_body_stops_at_its_cap_or_when_the_client_leaves(start: Start) -> None:
    """A body without an end goes on until the client has enough, or the cap is reached."""
    caller = start(fault(FaultKind.ENDLESS, size=3_000_000))
    assert 3_000_000 <= len(caller.raw_page()) < 3_200_000
    caller.simulator.clear_faults()
    caller.simulator.inject(fault(FaultKind.ENDLESS))
    assert 200_000 <= len(caller.raw_page(most=200_000)) < 400_000


def test_a_small_gzip_can_be_large_inside(start: Start) -> None:
    """A bomb of 20 MB weighs well under 100 KB."""
    caller = start(fault(FaultKind.GZIP_BOMB, size=20_000_000))
    body = caller.page().body
    assert len(body) < 100_000
    assert len(gzip.decompress(body)) > 19_000_000


@pytest.mark.parametrize("kind", list(FaultKind))
def test_no_fault_upsets_the_simulator(start: Start, kind: FaultKind) -> None:
    """Every fault can strike every kind of request, and the next one is answered as if nothing had been."""
    caller = start(records=3)
    job = caller.finished_job()
    asks = (
        caller.token,
        caller.page,
        caller.article,
        caller.finished_job,
        lambda: caller.get(f"{JOBS}/{job}/results"),
        lambda: caller.call("DELETE", f"{JOBS}/{job}"),
        lambda: caller.get("/api/v2/users", pageSize=2),
        lambda: caller.get("/api/v2/nothing"),
    )
    small = {"seconds": 0.0, "size": 300, "path": "a.b", "value": "FAILED", "location": "/", "times": None}
    for ask in asks:
        caller.simulator.inject(fault(kind, **{**small, "on": Match(kinds=tuple(Kind))}))
        with contextlib.suppress(*UPSET):
            ask()
        caller.simulator.clear_faults()
        caller.token()
        assert caller.page().json["totalHits"] == 3
