"""Fuzzing of what reads the server's words: answers, Retry-After, rate headers, tokens.

`--inputs N` is how many inputs each fuzzer gets. An input is made from the seed and its number alone, so that one line
repeats just it: `RESUMABLE_SEED=... RESUMABLE_INPUT=...`.
"""

import json
import math
import os
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache, partial
from typing import Any, TypeVar

import pytest

from resumable.api.pace import read_rate
from resumable.api.retry import LONGEST_SAID, retry_after_seconds
from resumable.api.tokens import LONGEST_DOCUMENTED_LIFE, _read_token
from resumable.datasets.contract import Answer, checked
from resumable.datasets.facts import Paging
from resumable.datasets.resolve import resolve
from resumable.errors import Fault
from resumable.models import JobSpec
from resumable.redaction import Redactor
from resumable.schema.decode import Decoded, decode, decode_carefully
from resumable.schema.rebuild import rebuild
from resumable.schema.registry import pinned
from resumable.schema.strict_json import NotJson, strict_json
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import START
from tests.support.json_records import comes_back
from tests.support.transports import reply

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

Trials = Callable[[str], int]
Tally = Callable[[str, int], None]
T = TypeVar("T")

PIECES = (
    b"", b"null", b"true", b"NaN", b"-Infinity", b"0", b"-0.0", b"1e999", b"1E5", b"9" * 30, b"9007199254740993",
    b"1.5", b'""', b'"', b"\\", b"\\u0000", b"\\ud800", b"\\u00e9", b"\xff", b"\xc3\x28", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\x00", b"\n", b" ", b"{", b"}", b"[", b"]", b"{}", b"[]", b",", b":", b"]}", b"[[[[",
    b'{"a":1}', b'"conversationId":"x",', b'"x":[],', b"//", b"/**/", b'"2023-10-01T00:00:00.000Z"',
    b'"2023-10-01T25:00:00Z"', b'"2023-10-01T00:00:00.123456789Z"', b'"totalHits":1,', b"'",
)  # fmt: skip
"""What a mutation puts in: the edges of JSON, of UTF-8 and of the contract."""


def inputs(seed: int, what: str, number: int) -> Iterator[tuple[int, random.Random]]:
    """Yield the number of each input and its own randomness; RESUMABLE_INPUT asks for just one."""
    only = os.environ.get("RESUMABLE_INPUT")
    for n in [int(only)] if only else range(number):
        yield n, random.Random(f"{seed} {what} {n}")


def repeat(seed: int, number: int, test: str) -> str:
    """Return the line that repeats one input."""
    return f"repeat: RESUMABLE_SEED={seed} RESUMABLE_INPUT={number} python -m pytest -m torture -n 0 -k {test}"


def mutated(body: bytes, dice: random.Random) -> bytes:
    """Return a body with some places changed: pieces put in, bytes flipped, stretches removed, repeated or moved."""
    changed = bytearray(body)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        at = dice.randrange(len(changed) + 1)
        length = dice.choice((0, 0, 1, 1, 2, 5, 40))
        kind = dice.randrange(7)
        if kind <= 2:
            changed[at : at + length] = dice.choice(PIECES)
        elif kind == 3 and at < len(changed):
            changed[at] ^= 1 << dice.randrange(8)
        elif kind == 4:
            del changed[at : at + dice.randrange(200)]
        elif kind == 5:
            stretch = changed[at : at + dice.randrange(200)]
            changed[at:at] = stretch
        elif (values := list(_VALUE.finditer(changed))) != []:
            value = dice.choice(values)
            changed[value.start(1) : value.end(1)] = dice.choice(PIECES)
    return bytes(changed)


_VALUE = re.compile(rb':("[^"\\]*"|-?[0-9.]+|null|true|false)')


@cache
def pages() -> tuple[bytes, ...]:
    """Return good pages of the details query, some rich and some small."""
    made = []
    for style in Style:
        with Simulator(SimSettings(records=3, style=style)) as sim:
            truth = sim.truth("2023-10-01T00:00:00Z/2023-10-02T00:00:00Z")
            lists = [b",".join(truth.records[:count]) for count in (1, 2, 3)]
            made += [b'{"conversations":[%b],"totalHits":%d}' % (listed, n) for n, listed in enumerate(lists, 1)]
    made.append(b'{"totalHits":0}')
    return tuple(made)


def oracle(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read strict JSON by the standard library and a few lines of our own; raise ValueError for anything else."""

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in members}) != len(members):
            raise ValueError("a key twice")
        return dict(members)

    def refused(literal: str) -> Any:  # noqa: ANN401 - never returns
        raise ValueError(literal)

    def number(literal: str) -> float:
        value = float(literal)
        if not math.isfinite(value):
            raise ValueError(literal)
        return value

    text = body.decode("utf-8")
    if text.startswith("\ufeff"):
        raise ValueError("a byte order mark")
    return json.loads(text, object_pairs_hook=pairs, parse_constant=refused, parse_float=number)


def expected(body: bytes) -> list[Any] | None:
    """Return the records that a body holds, or None where it must be refused; an absent list is an empty one."""
    try:
        answer = oracle(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    records = answer.get("conversations")
    if records is None:
        return []
    return records if isinstance(records, list) and all(isinstance(record, dict) for record in records) else None


def test_mutated_pages_are_read_exactly_or_refused(seed: int, trials: Trials, tally: Tally) -> None:
    """Both routes give back every record as the standard library reads it, or refuse what it refuses; nothing else."""
    schema, refused = pinned("conversation"), 0
    for number, dice in inputs(seed, "pages", trials("inputs")):
        body = mutated(dice.choice(pages()), dice)
        again = repeat(seed, number, "mutated_pages")
        wanted = expected(body)
        for route in (decode, decode_carefully):
            try:
                found: Decoded | None = route(body, schema=schema, records_key="conversations", envelope=["totalHits"])
            except NotJson:
                found = None
            if wanted is None:
                assert found is None, f"{route.__name__} took what is no answer\n{again}\n{body!r}"
                refused += 1
                continue
            assert found is not None, f"{route.__name__} refused an answer\n{again}\n{body!r}"
            rows = [] if found.table is None else list(rebuild(found.table, schema=schema))
            assert len(rows) == len(wanted), f"{route.__name__} lost a record\n{again}\n{body!r}"
            unchanged = all(comes_back(schema.root, was, now) for was, now in zip(wanted, rows, strict=True))
            assert unchanged, f"{route.__name__} changed a value\n{again}\n{body!r}"
    count = trials("inputs")
    assert os.environ.get("RESUMABLE_INPUT") or 0.1 < refused / count / 2 < 0.9, "the fuzzer makes one kind only"
    tally("mutated pages read by both routes", count)


def attempted(do: Callable[[], T], again: str) -> T | None:
    """Return what comes of it, None where it is a fault with a fit reason; anything else that is raised fails."""
    try:
        return do()
    except Fault as fault:
        reason = fault.reason
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} escaped\n{again}") from error
    assert reason.isprintable(), again
    assert len(reason) < 400, again
    return None


def _said(contract: Any, body: bytes, number: int) -> Answer:  # noqa: ANN401 - any contract
    if contract.paging is Paging.SERVER_JOB:
        answer: Answer = contract.read_results(body, Redactor())
        return answer
    return checked(contract.read(body, 20, Redactor()), number)


@pytest.mark.parametrize(
    ("dataset", "key", "beside"),
    [
        ("conversations", "conversations", b'"totalHits":3'),
        ("conversations-pagecount", "entities", b'"paging":{"pageNumber":1,"pageSize":20,"pageCount":1}'),
        ("conversation-jobs", "conversations", b'"cursor":"abc","dataAvailabilityDate":"2023-11-01T00:00:00Z"'),
        ("user-details", "userDetails", b'"totalHits":3'),
        ("users", "entities", b'"pageSize":20,"pageNumber":1,"total":3,"pageCount":1'),
        ("queues", "entities", b'"pageSize":20,"pageNumber":1,"total":3,"pageCount":1'),
    ],
)
def test_every_contract_reads_an_answer_or_raises_a_fault(
    dataset: str, key: str, beside: bytes, seed: int, trials: Trials, tally: Tally
) -> None:
    """Nothing but a Fault escapes; its reason is short and printable; a page that passes is never empty in silence."""
    spec = JobSpec.of(dataset, START, START + timedelta(days=1), page_size=20)
    _, contract = resolve(spec)
    good = b'{"' + key.encode() + b'":[{"id":"a","conversationId":"a","userId":"a"},{"id":"b"},{}],' + beside + b"}"
    for number, dice in inputs(seed, dataset, trials("inputs")):
        body, page = mutated(good, dice), dice.choice((1, 1, 1, 2))
        again = repeat(seed, number, f"every_contract and {dataset}-")
        answer = attempted(partial(_said, contract, body, page), f"{again}\n{body!r}")
        if answer is None:
            continue
        truth = oracle(body)
        records = truth.get(key) or []
        assert answer.rows == len(records), f"{again}\n{body!r}"
        if contract.paging is not Paging.SERVER_JOB:
            assert answer.rows > 0 or answer.said.page_count == 0, f"an empty page passed\n{again}\n{body!r}"
    tally(f"mutated answers read by a contract, {dataset}", trials("inputs"))


def test_jobs_and_ids_are_read_or_a_fault(seed: int, trials: Trials, tally: Tally) -> None:
    """Ids, states and availability of jobs: nothing but a Fault escapes, and an id leads nowhere else."""
    spec = JobSpec.of("conversation-jobs", START, START + timedelta(days=1), page_size=20)
    _, contract = resolve(spec)
    assert contract.paging is Paging.SERVER_JOB
    good = b'{"jobId":"8f6c","state":"FULFILLED","errorMessage":"x","expirationDate":"2023-10-02T00:00:00Z"}'
    for number, dice in inputs(seed, "jobs", trials("inputs")):
        body = mutated(good, dice)
        again = repeat(seed, number, "jobs_and_ids")
        reads: tuple[Callable[[bytes], object], ...] = (
            lambda body: contract.results(contract.read_id(body), None, 20).path,
            lambda body: contract.read_status(body, Redactor()),
            lambda body: contract.read_availability(body),
        )
        for read in reads:
            attempted(partial(read, body), f"{again}\n{body!r}")
    tally("mutated answers about jobs", trials("inputs"))


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORDS = (
    "0", "1", "-1", "+1", "60", "1e9", "1.5", ".5", "5.", "0x10", "1_000", "inf", "nan", "soon", "٣", "³", "９", " ",
    "", ",", ", ", ";", "Sun, ", "Mar", "GMT", "+0100", "-9999", "12:01:00", "99999", "9" * 400, "9" * 5000, "\x00",
    "\r\n", "\t", "'", '"', "1970", "9999",
)  # fmt: skip


def header(dice: random.Random) -> tuple[str, float | None]:
    """Return a Retry-After header and the seconds it must be read as; None where that is not known beforehand."""
    kind = dice.randrange(5)
    if kind == 0:
        seconds = dice.choice((0, 1, dice.randrange(10**4), dice.randrange(10**12)))
        return f"{' ' * dice.randrange(2)}{seconds}", float(seconds)
    if kind == 1:
        offset = dice.choice((0, 1, -1, dice.randrange(-(10**6), 10**6), dice.randrange(10**9)))
        moment = NOW + timedelta(seconds=offset)
        texts = (
            format_datetime(moment, usegmt=True),
            f"{moment:%a %b} {moment.day:2d} {moment:%H:%M:%S %Y}",
        )
        return dice.choice(texts), float(max(0, offset))
    if kind == 2:
        values = [dice.randrange(1000) for _ in range(dice.randrange(2, 5))]
        return ", ".join(map(str, values)), float(max(values))
    if kind == 3:
        text = list(format_datetime(NOW + timedelta(seconds=dice.randrange(10**6)), usegmt=True))
        for _ in range(dice.randrange(1, 4)):
            text[dice.randrange(len(text))] = dice.choice(WORDS)
        return "".join(text), None
    return "".join(dice.choice(WORDS) for _ in range(dice.randrange(8))), None


def test_retry_after_is_read_as_what_it_says_or_not_at_all(seed: int, trials: Trials, tally: Tally) -> None:
    """Nothing is raised, nothing negative, endless or NaN comes back, and what is well formed is read exactly."""
    for number, dice in inputs(seed, "retry-after", trials("inputs")):
        text, seconds = header(dice)
        served_at = dice.choice((None, None, format_datetime(NOW, usegmt=True), header(dice)[0]))
        again = repeat(seed, number, "retry_after")
        found = retry_after_seconds(text, now=NOW, served_at=served_at)
        assert found is None or 0.0 <= found <= LONGEST_SAID, f"{found}\n{again}\n{text!r} {served_at!r}"
        if seconds is not None and served_at in (None, format_datetime(NOW, usegmt=True)):
            assert found == seconds, f"{found} and not {seconds}\n{again}\n{text!r}"
        # A date far in the future and a server's clock far in the past must still give a time to come back.
        assert found is None or NOW + timedelta(seconds=min(found, 10 * 365 * 86400.0))
    tally("Retry-After headers", trials("inputs"))


def test_rate_headers_are_whole_numbers_or_nothing(seed: int, trials: Trials, tally: Tally) -> None:
    """What is believed is just what plain digits say, within reason; nothing is raised."""
    for number, dice in inputs(seed, "rate", trials("inputs")):
        names = ("inin-ratelimit-count", "inin-ratelimit-allowed", "inin-ratelimit-reset")
        told = {
            name: dice.choice((str(dice.randrange(70)), str(dice.randrange(10**6)), dice.choice(WORDS)))
            for name in names
            if dice.random() < 0.95
        }
        again = repeat(seed, number, "rate_headers")
        found = read_rate(told)
        if found is None:
            plain = [told.get(name, "") for name in names]
            sane = all(re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) for text in plain)
            assert not (sane and int(plain[1]) > 0 and int(plain[2]) <= 60), f"{again}\n{told}"
        else:
            assert [min(int(told[names[0]].strip()), 2_000_000), *(int(told[name].strip()) for name in names[1:])] == [
                found.count,
                found.allowed,
                found.reset_seconds,
            ], f"{again}\n{told}"
            assert found.allowed > 0, again
            assert found.count >= 0, again
            assert 0 <= found.reset_seconds < 10**6, again
    tally("rate headers", trials("inputs"))


def test_a_token_is_a_token_with_a_life_within_reason_or_a_fault(seed: int, trials: Trials, tally: Tally) -> None:
    """Whatever a token endpoint says: a ProtocolFault, or a token of printable ASCII with a believable life."""
    good = b'{"access_token":"abcDEF-123_.~","token_type":"bearer","expires_in":86400,"error":"none"}'
    for number, dice in inputs(seed, "token", trials("inputs")):
        body = mutated(good, dice)
        again = repeat(seed, number, "a_token_is_a_token")
        read = attempted(partial(_read_token, reply(body), Redactor()), f"{again}\n{body!r}")
        if read is None:
            continue
        token, life = read
        assert re.fullmatch(r"[\x21-\x7e]+", token.reveal()), again
        assert 0 < life <= LONGEST_DOCUMENTED_LIFE, again
    tally("answers of a token endpoint", trials("inputs"))


def test_strict_json_agrees_with_the_standard_library(seed: int, trials: Trials, tally: Tally) -> None:
    """What strict_json takes is what json.loads reads without its laxness; what it refuses, that refuses too."""
    for number, dice in inputs(seed, "json", trials("inputs")):
        body = mutated(b'{"a":[1,2.5,"x\\u00e9",null,true,{"b":{}}],"c":"d"}', dice)
        try:
            wanted: tuple[Any] | None = (oracle(body),)
        except (ValueError, RecursionError):
            wanted = None
        try:
            found: tuple[Any] | None = (strict_json(body),)
        except NotJson:
            found = None
        assert repr(found) == repr(wanted), f"{repeat(seed, number, 'strict_json')}\n{body!r}"
    tally("JSON texts", trials("inputs"))
