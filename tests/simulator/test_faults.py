"""Everything that can go wrong does so on purpose, where it was meant and as often as it was meant."""

import json

import pytest

from resumable.simulator.faults.faults import ABSENT, FaultKind, Match, SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from tests.simulator.caller import DAY, Start

PAGES = Match(kinds=(Kind.CONVERSATIONS, Kind.ARTICLE))


def fault(kind: FaultKind, **more: Json) -> SimFault:
    return SimFault(kind=kind, **{"on": PAGES, "times": None, **more})


def ids(records: list[Json]) -> list[str]:
    return [record["conversationId"] for record in records]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 429, 500, 502, 503, 504])
def test_any_status_can_be_answered(start: Start, status: int) -> None:
    """A status fault answers that status in the documented shape, once, and then all is well."""
    caller = start(fault(FaultKind.STATUS, status=status, times=1))
    reply = caller.page()
    assert reply.status == reply.json["status"] == status
    assert caller.page().status == 200
    assert caller.simulator.log.entries(Kind.CONVERSATIONS)[0].faults == ("status",)


@pytest.mark.parametrize("value", ["7", "0", "-3", "1e9", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_retry_after_can_be_any_text(start: Start, value: str) -> None:
    """Retry-After is sent as it was given."""
    caller = start(fault(FaultKind.STATUS, status=429, headers=(("Retry-After", value),)))
    assert caller.page().headers["Retry-After"] == value


def test_a_header_can_come_twice(start: Start) -> None:
    """Two Retry-After headers are two."""
    caller = start(fault(FaultKind.STATUS, status=429, headers=(("Retry-After", "5"), ("Retry-After", "7"))))
    assert caller.page().headers.get_all("Retry-After") == ["5", "7"]


def test_html_and_redirects(start: Start) -> None:
    """A proxy's page of HTML comes with any status, and a redirect leads where it was told."""
    caller = start(
        fault(FaultKind.HTML, status=200, times=1),
        *(fault(FaultKind.REDIRECT, status=s, location="http://x/") for s in (307,)),
    )
    page = caller.page()
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.body.startswith(b"<!DOCTYPE html>")
    moved = caller.page()
    assert (moved.status, moved.headers["Location"]) == (307, "http://x/")


def test_a_match_counts_only_what_it_covers(start: Start) -> None:
    """Kind, page, window and number of a request all narrow down where a fault strikes."""
    caller = start()
    caller.simulator.inject(
        SimFault(
            kind=FaultKind.STATUS,
            on=Match(kinds=(Kind.CONVERSATIONS,), pages=(2,), window="2023-10-01", nth=(2, 3)),
            times=2,
        )
    )
    other = "2023-10-05/2023-10-06"
    asked = [(1, DAY), (2, other), (2, DAY), (2, DAY), (2, DAY), (2, DAY), (1, DAY)]
    assert [caller.page(n, 5, i).status for n, i in asked] == [200, 200, 200, 503, 503, 200, 200]
    assert caller.simulator.faults_fired() == {"status": 2}


def test_every_and_probability(start: Start) -> None:
    """A fault can strike each third request, or by chance, the same chance for the same seed."""
    statuses = []
    for _ in range(2):
        caller = start(fault(FaultKind.STATUS, on=Match(probability=0.5)), seed=5)
        statuses.append([caller.page(1, 1).status for _ in range(20)])
    assert statuses[0] == statuses[1]
    assert 0 < statuses[0].count(503) < 20
    caller = start(fault(FaultKind.STATUS, on=Match(every=3)))
    assert [caller.page(1, 1).status for _ in range(6)] == [200, 200, 503, 200, 200, 503]


def test_bodies_that_are_not_what_they_should_be(start: Start) -> None:
    """Nothing, null, bad UTF-8, a byte order mark, NaN, duplicate keys, wrong types, deep and big bodies."""
    caller = start(records=3)

    def body(kind: FaultKind, **more: Json) -> bytes:
        caller.simulator.clear_faults()
        caller.simulator.inject(fault(kind, **more))
        return caller.page().body

    assert body(FaultKind.EMPTY) == b""
    assert body(FaultKind.BODY, body="null") == b"null"
    assert body(FaultKind.BODY, body=b"\x00") == b"\x00"
    with pytest.raises(UnicodeDecodeError):
        body(FaultKind.BAD_UTF8).decode()
    assert body(FaultKind.BOM).startswith(b"\xef\xbb\xbf{")
    assert b":NaN," in body(FaultKind.NAN)
    pairs = json.loads(body(FaultKind.DUPLICATE_KEYS), object_pairs_hook=list)
    assert [key for key, _ in pairs] == ["conversations", "totalHits", "conversations"]
    assert json.loads(body(FaultKind.WRONG_TYPES)) == {"conversations": {"0": {}}, "totalHits": "many"}
    assert body(FaultKind.NESTED, size=5000) == b"[" * 5000 + b"]" * 5000
    big = body(FaultKind.BIG, size=100_000)
    assert len(big) == 100_000
    assert json.loads(big)["totalHits"] == 3


def test_headers_can_be_added(start: Start) -> None:
    """A header fault leaves the answer as it is but for the header."""
    caller = start(fault(FaultKind.HEADER, headers=(("Set-Cookie", "a=b"), ("X-New", "1"))))
    reply = caller.page()
    assert (reply.headers["Set-Cookie"], reply.status) == ("a=b", 200)
    assert reply.json["totalHits"] == 30


def test_records_can_be_missing_null_or_empty(start: Start) -> None:
    """The records key is absent, null or empty beside a total that is not 0, in both contracts."""
    caller = start()
    for kind, expected in (
        (FaultKind.RECORDS_MISSING, "absent"),
        (FaultKind.RECORDS_NULL, None),
        (FaultKind.RECORDS_EMPTY, []),
    ):
        caller.simulator.clear_faults()
        caller.simulator.inject(fault(kind))
        assert caller.page().json.get("conversations", "absent") == expected
        article = caller.article().json
        assert article.get("entities", "absent") == expected
        assert article["paging"]["pageCount"] == 1


def test_pages_can_be_others_than_asked_for(start: Start) -> None:
    """Another page, echoed or not, repeated, shifted and dropped records."""
    caller = start()
    all_ids = list(caller.simulator.truth(DAY).ids)
    expected = {
        FaultKind.WRONG_PAGE: all_ids[20:30],
        FaultKind.OTHER_PAGE: all_ids[20:30],
        FaultKind.REPEAT: all_ids[9:19],
        FaultKind.SHIFT: all_ids[11:21],
        FaultKind.DROP: all_ids[10:19],
        FaultKind.DUPLICATE: all_ids[9:20],
    }
    for kind, wanted in expected.items():
        caller.simulator.clear_faults()
        caller.simulator.inject(fault(kind))
        article = caller.article(2, 10).json
        assert ids(article["entities"]) == ids(caller.page(2, 10).json["conversations"]) == wanted
        assert article["paging"]["pageNumber"] == (3 if kind is FaultKind.WRONG_PAGE else 2)


def test_fields_beside_the_records_can_be_anything(start: Start) -> None:
    """A list can point to another host, and a token can be a number."""
    elsewhere = "http://evil.example/api/v2/users"
    caller = start(
        SimFault(kind=FaultKind.ANSWER_FIELD, path="nextUri", value=elsewhere),
        SimFault(kind=FaultKind.ANSWER_FIELD, path="access_token", value=5, on=Match(kinds=(Kind.TOKEN,))),
    )
    assert caller.get("/api/v2/users").json["nextUri"] == elsewhere
    form = b"grant_type=client_credentials&client_id=simulator-client&client_secret=simulator-secret"
    assert caller.call("POST", "/oauth/token", form).json["access_token"] == 5


def test_totals_can_be_anything(start: Start) -> None:
    """The total is any value, absent, off by some, or different each time, in every contract."""
    caller = start()
    for value in (0, -1, 10**9, None, "x"):
        caller.simulator.clear_faults()
        caller.simulator.inject(fault(FaultKind.TOTAL, value=value))
        assert caller.page().json["totalHits"] == value
        assert caller.article().json["paging"]["pageCount"] == value
    caller.simulator.clear_faults()
    caller.simulator.inject(fault(FaultKind.TOTAL, value=ABSENT), fault(FaultKind.TOTAL_BY, by=2))
    assert set(caller.page().json) == {"conversations"}
    caller.simulator.clear_faults()
    caller.simulator.inject(
        fault(FaultKind.TOTAL_BY, by=-2, times=1), fault(FaultKind.TOTAL_FLAP, by=3, on=Match(every=1))
    )
    totals = [caller.page(1, 1).json["totalHits"] for _ in range(20)]
    assert len(set(totals[1:])) > 2
    assert all(27 <= total <= 33 for total in totals[1:])


def test_a_page_can_differ_each_time(start: Start) -> None:
    """A changed page has the same ids and other content at every request."""
    caller = start(fault(FaultKind.CHANGED, by=0))
    first, second = (caller.page().json["conversations"] for _ in range(2))
    assert ids(first) == ids(second)
    assert first != second


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("brandNew", {"a": [1]}),
        ("participants.sessions.mediaCount", 1.5),
        ("participants.sessions.segments.segmentStart", "later"),
        ("participants.sessions.metrics.value", 2**63),
        ("divisionIds", "text for a list"),
    ],
)
def test_a_leaf_can_be_new_or_of_another_type(start: Start, path: str, value: Json) -> None:
    """A field fault puts any value at any path, in as many records as told."""
    caller = start(fault(FaultKind.FIELD, path=path, value=value, by=2))

    def found(node: Json, names: list[str]) -> list[Json]:
        nodes = node if isinstance(node, list) else [node]
        if not names:
            return [node]
        return [leaf for n in nodes if isinstance(n, dict) and names[0] in n for leaf in found(n[names[0]], names[1:])]

    records = caller.page(1, 3).json["conversations"]
    for number, record in enumerate(records):
        values = found(record, path.split("."))
        assert (bool(values) and all(v == value for v in values)) or number == 2
        assert number != 2 or value not in values


def test_a_token_can_end_at_any_request(start: Start) -> None:
    """A revoke fault is a true 401: the token is gone for all that follows."""
    caller = start(fault(FaultKind.REVOKE, on=Match(nth=(2,)), times=1))
    assert [caller.page().status for _ in range(3)] == [200, 401, 401]
    caller.token()
    assert caller.page().status == 200


def test_faults_add_up(start: Start) -> None:
    """Two faults that strike one request both show."""
    caller = start(fault(FaultKind.TOTAL, value=7), fault(FaultKind.RECORDS_EMPTY))
    assert caller.page().json == {"conversations": [], "totalHits": 7}


def test_a_fault_that_makes_no_sense_is_not_taken() -> None:
    """A fault read from JSON must be one."""
    for given in ({}, {"kind": "tornado"}, {"kind": "status", "colour": 1}, {"kind": "status", "on": {"moon": 1}}):
        with pytest.raises(ValueError, match=r"fault|tornado"):
            SimFault.from_json(given)
