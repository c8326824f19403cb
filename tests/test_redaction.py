"""Secrets stay out of texts."""

import base64
import copy
import dataclasses
import json
import pickle
import re
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resumable.redaction import Redactor, Secret

CANARY = 'c4nary/"+é &=4711'


def redactor(*secrets: str) -> Redactor:
    """Make a redactor that knows these."""
    made = Redactor()
    for secret in secrets:
        made.keep(Secret(secret))
    return made


def test_only_reveal_shows_a_secret() -> None:
    """No way of making text of a secret shows it, but the one that says so."""
    secret = Secret(CANARY)
    texts = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>30}",
        repr([secret]),
        repr({"a": secret}),
    ]
    texts += [str(dir(secret)), repr(getattr(secret, "__dict__", ""))]
    assert not any("c4nary" in text for text in texts)
    assert repr(secret) == "Secret(***)"
    assert secret.reveal() == CANARY


@pytest.mark.parametrize(
    "attempt", [pickle.dumps, json.dumps, vars, hash, iter, len, bytes, lambda s: s + "", lambda s: s.__getstate__()]
)
def test_a_secret_refuses_to_become_data(attempt: object) -> None:
    """Pickling, dumping, hashing or joining a secret raises, without showing it."""
    with pytest.raises(TypeError) as caught:
        attempt(Secret(CANARY))  # type: ignore[operator]  # it must raise
    assert "c4nary" not in "".join(traceback.format_exception(caught.value))


def test_a_secret_is_frozen() -> None:
    """A secret cannot be changed, and its copy is itself."""
    secret = Secret(CANARY)
    attempts: tuple[Callable[[], None], ...] = (
        lambda: setattr(secret, "x", 1),
        lambda: setattr(secret, "_Secret__value", ""),
        lambda: delattr(secret, "x"),
    )
    for attempt in attempts:
        with pytest.raises(AttributeError):
            attempt()
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_a_secret_in_a_dataclass_stays_one() -> None:
    """asdict and repr of settings that hold a secret show no more than the secret itself does."""

    @dataclasses.dataclass
    class Settings:
        secret: Secret

    assert "c4nary" not in repr(Settings(Secret(CANARY))) + repr(dataclasses.asdict(Settings(Secret(CANARY))))


def test_secrets_compare_by_content() -> None:
    """Equal secrets are equal, others and plain strings are not, and an empty one is false."""
    assert Secret("ä") == Secret("ä")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")
    assert Secret(" ")


def test_a_traceback_with_locals_shows_no_secret() -> None:
    """A frame that holds a secret and a redactor can be printed with all its locals."""

    def failing(secret: Secret, keeper: Redactor) -> None:
        raise ValueError(f"{secret} {keeper}")

    known = redactor(CANARY)
    with pytest.raises(ValueError, match=r"\*\*\*") as caught:
        failing(Secret(CANARY), known)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "c4nary" not in shown


def forms(secret: str) -> dict[str, str]:
    """Every form in which a secret may come back to us."""
    raw = secret.encode()
    return {
        "plain": secret,
        "base64": base64.b64encode(raw).decode(),
        "urlsafe base64": base64.urlsafe_b64encode(raw).decode(),
        "unpadded": base64.b64encode(raw).decode().rstrip("="),
        "quoted": quote(secret, safe=""),
        "path quoted": quote(secret),
        "form quoted": quote_plus(secret),
        "lower-case quoted": re.sub("%..", lambda m: m[0].lower(), quote(secret, safe="")),
        "json": json.dumps(secret)[1:-1],
        "json in utf-8": json.dumps(secret, ensure_ascii=False)[1:-1],
        "repr": repr(secret)[1:-1],
        "hex": raw.hex(),
        "hex in capitals": raw.hex().upper(),
        "every byte quoted": "".join(f"%{byte:02X}" for byte in raw),
        "base64, quoted": quote(base64.b64encode(raw).decode(), safe=""),
    }


@pytest.mark.parametrize("form", forms(CANARY))
def test_known_secrets_go_in_every_form(form: str) -> None:
    """A known secret becomes three stars in every form it travels in, and what surrounds it stays."""
    assert redactor(CANARY).scrub(f"<{forms(CANARY)[form]}>") == "<***>"


def test_html_escaped_secrets_go() -> None:
    """The same in a page of HTML that quotes the request."""
    assert "4711" not in redactor(CANARY).scrub("<p>c4nary/&quot;+é &amp;=4711</p>")


@given(before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_secrets_inside_base64_go(before: bytes, after: bytes) -> None:
    """A secret inside something longer in base64, at any of the three places, leaves no more than its edges."""
    secret = "0123456789abcdefghij"
    text = base64.b64encode(before + secret.encode() + after).decode()
    scrubbed = redactor(secret).scrub(text)
    assert "***" in scrubbed
    left = base64.b64decode(scrubbed.partition("***")[0] + "AAAA"[: -len(scrubbed.partition("***")[0]) % 4])
    assert secret[:3].encode() not in left


def test_the_basic_pair_goes_whole() -> None:
    """With the client id the Basic pair of id and secret is known whole, without the word Basic before it."""
    made = Redactor()
    made.keep(Secret("s3cret-s3cret"), client_id="my-id")
    assert made.scrub(f"x {base64.b64encode(b'my-id:s3cret-s3cret').decode()} y") == "x *** y"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Authorization: Bearer abc.DEF-123_~+/=", "Authorization: Bearer ***"),
        ("authorization: bearer abc", "authorization: bearer ***"),
        ("Basic aWQ6c2VjcmV0, next", "Basic ***, next"),
        ("Bearer%20abc123&x=1", "Bearer ***&x=1"),
        ('{"access_token":"abc","expires_in":1}', '{"access_token":"***","expires_in":1}'),
        ('{"access_token" : "a\\"bc", "x": 1}', '{"access_token" : "***", "x": 1}'),
        ('{"access_token":"abc', '{"access_token":"***'),
        ("client_secret=abc&grant_type=x", "client_secret=***&grant_type=x"),
        ("{'refresh_token': 'abc'}", "{'refresh_token': '***'}"),
        ('"{\\"access_token\\":\\"abc\\"}"', '"{\\"access_token\\":\\"***\\"}"'),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_unknown_credentials_go_by_their_look(text: str, scrubbed: str) -> None:
    """What nobody announced, but looks like a credential, goes too."""
    found = redactor().scrub(text)
    assert "abc" not in found
    assert found == scrubbed


def test_overlapping_secrets_go_whole() -> None:
    """Of two secrets that overlap in a text no piece of either is left."""
    assert redactor("abcdef", "defghi").scrub("<abcdefghi>") == "<***>"
    assert redactor("abc", "abcdef").scrub("<abcdef>") == "<***>"
    assert redactor("bcd", "abcdef").scrub("<abcdef>") == "<***>"


def test_the_last_hundred_tokens_are_known() -> None:
    """Tokens pass, the client secret stays: memory is bounded and the newest are known."""
    made = redactor("kept-secret")
    for number in range(250):
        made.learn(Secret(f"token-{number:03d}"))
    assert made.scrub("kept-secret") == "***"
    assert [made.scrub(f"token-{number:03d}") for number in (150, 249)] == ["***", "***"]
    assert made.scrub("token-149") == "token-149"


def test_an_empty_secret_hides_nothing() -> None:
    """An empty secret is no secret: texts stay as they are."""
    assert redactor("").scrub("text") == "text"


def test_a_redactor_cannot_be_pickled() -> None:
    """A redactor does not become data either."""
    with pytest.raises(TypeError):
        pickle.dumps(redactor(CANARY))
    with pytest.raises(TypeError):
        vars(redactor(CANARY))


def test_threads_may_learn_and_scrub() -> None:
    """What one thread has learned no other thread shows, whoever learns beside it."""
    made = Redactor(tokens=1000)

    def work(number: int) -> bool:
        made.learn(Secret(f"token-{number:04d}"))
        return made.scrub(f"token-{number:04d}") == "***"

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(work, range(300)))


@pytest.mark.parametrize(
    ("body", "start"),
    [
        (b"", ""),
        (b"plain", "plain"),
        (b"  two\r\n\tlines ", "two lines"),
        (b"\x1b[31mred\x1b[0m\x07\x00", "?[31mred?[0m??"),
        ("\u202eevil\u2028x".encode(), "?evil x"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 300, "x" * 197 + "..."),
        (b"x" * 200, "x" * 200),
    ],
)
def test_the_start_of_a_body_is_one_safe_line(body: bytes, start: str) -> None:
    """The start of a body is short, one line, and does nothing to a terminal."""
    assert redactor().body_start(body) == start


@given(st.integers(0, 4000), st.integers(1, 80), st.booleans())
def test_a_cut_leaves_no_half_secret(padding: int, limit: int, crowded: bool) -> None:
    """Wherever a secret stands in a body, its start does not survive the cut."""
    secret = "S3CR3T-" + "abcdefghij" * 6
    body = (secret if crowded else "x") * padding + secret * 3
    assert "S3CR3T" not in redactor(secret).body_start(body.encode(), limit)


@given(st.binary(max_size=300), st.integers(0, 250))
def test_any_body_has_a_start(body: bytes, limit: int) -> None:
    """Any bytes give a printable line within the limit."""
    start = redactor(CANARY).body_start(body, limit)
    assert start.isprintable()
    assert len(start) <= max(limit, 3)


def test_a_secret_that_is_no_unicode_goes_too() -> None:
    """Bytes of the environment that are no UTF-8 break nothing, and are taken out."""
    assert redactor("c4nary\udcff").scrub("<c4nary\udcff> c4nary\udcff") == "<***> ***"
